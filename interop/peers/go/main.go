// The interop cases on grpc-go, as its users call and serve: a client and a server on what protoc-gen-go makes.
package main

import (
	"fmt"
	"os"
)

func main() {
	command, err := parseCommand(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	switch command := command.(type) {
	case serverCommand:
		err = serve(command)
	case clientCommand:
		err = runCases(command)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
