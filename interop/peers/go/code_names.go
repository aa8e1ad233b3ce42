package main

import (
	"strings"
	"unicode"

	"google.golang.org/grpc/codes"
)

// nameOf is the code's name as the gRPC documents write it: grpc-go has DeadlineExceeded, and Canceled.
func nameOf(code codes.Code) string {
	switch code {
	case codes.OK:
		return "OK"
	case codes.Canceled:
		return "CANCELLED"
	}
	var name strings.Builder
	for i, letter := range code.String() {
		if i > 0 && unicode.IsUpper(letter) {
			name.WriteByte('_')
		}
		name.WriteRune(unicode.ToUpper(letter))
	}
	return name.String()
}
