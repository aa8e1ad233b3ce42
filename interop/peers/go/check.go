package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	pb "grpc/testing"
)

// Assertions that say in one line what was checked, what was to be, and what was.

func expect(what string, actual, expected interface{}) error {
	if actual == expected {
		return nil
	}
	return fmt.Errorf("%s: expected %s, got %s", what, show(expected), show(actual))
}

// expectPayload checks for a payload of so many zeros.
func expectPayload(what string, payload *pb.Payload, size int) error {
	if payload == nil {
		return expect("size of "+what, nil, size)
	}
	place := -1
	for i, b := range payload.Body {
		if b != 0 {
			place = i
			break
		}
	}
	return first(
		expect("size of "+what, len(payload.Body), size),
		expect("type of "+what, payload.Type.String(), pb.PayloadType_COMPRESSABLE.String()),
		expect("place of the first byte of "+what+" that is not zero", place, -1),
	)
}

// expectCode checks how a call ended: an error, nil, or the end of a stream.
func expectCode(what string, ended error, code codes.Code) error {
	return expect("status of "+what, nameOf(codeOf(ended)), nameOf(code))
}

func expectStatus(what string, ended error, code codes.Code, message string) error {
	actual := ""
	if ended != nil {
		actual = status.Convert(ended).Message()
	}
	return first(expectCode(what, ended, code), expect("status message of "+what, actual, message))
}

// codeOf takes io.EOF for what Recv means by it: that the call ended with OK.
func codeOf(ended error) codes.Code {
	if errors.Is(ended, io.EOF) {
		return codes.OK
	}
	return status.Code(ended)
}

// first returns the first error that is one.
func first(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// describe puts what did not hold into a line: of a failed call its status, by the name that all languages know.
func describe(err error) string {
	if s, ok := status.FromError(err); ok {
		return oneLine(fmt.Sprintf("%s: %s", nameOf(s.Code()), s.Message()))
	}
	return oneLine(err.Error())
}

func show(value interface{}) string {
	switch value := value.(type) {
	case nil:
		return "none"
	case string:
		return fmt.Sprintf("%q", value)
	}
	return fmt.Sprint(value)
}

func oneLine(text string) string {
	return strings.SplitN(text, "\n", 2)[0]
}
