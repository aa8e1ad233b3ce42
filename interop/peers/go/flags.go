package main

import (
	"flag"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"
)

// The flags of the public description, and the files of certificates, which grpc-go's own interop programs take too.

type serverCommand struct {
	port              uint16
	useTLS            bool
	certFile, keyFile string
}

type clientCommand struct {
	address            string
	testCases          []string
	useTLS             bool
	useTestCA          bool
	caFile             string
	serverHostOverride string
	concurrentCalls    int
	soak               soak
}

// truth is a bool that takes its value in either form, as in --use_tls=true and --use_tls true: to package flag the
// second is a switch and an argument.
type truth bool

func (t *truth) String() string { return strconv.FormatBool(bool(*t)) }

func (t *truth) Set(value string) error {
	switch value {
	case "true", "false":
		*t = value == "true"
		return nil
	}
	return fmt.Errorf("there are true, false")
}

// port is one that there can be.
type port uint16

func (p *port) String() string { return strconv.Itoa(int(*p)) }

func (p *port) Set(value string) error {
	number, err := strconv.ParseUint(value, 10, 16)
	if err != nil {
		return fmt.Errorf("a port is a number up to 65535")
	}
	*p = port(number)
	return nil
}

// parseCommand returns a serverCommand, a clientCommand, or what is wrong with the arguments, in a line.
func parseCommand(args []string) (interface{}, error) {
	role := ""
	if len(args) > 0 {
		role = args[0]
	}
	switch role {
	case "server":
		return parseServer(args[1:])
	case "client":
		return parseClient(args[1:])
	}
	return nil, fmt.Errorf("the first argument cannot be %q: there are server, client", role)
}

func parseServer(args []string) (serverCommand, error) {
	var command serverCommand
	flags := newFlags("server")
	flags.Var((*port)(&command.port), "port", "")
	flags.Var((*truth)(&command.useTLS), "use_tls", "")
	flags.StringVar(&command.certFile, "tls_cert_file", "", "")
	flags.StringVar(&command.keyFile, "tls_key_file", "", "")
	return command, parse(flags, args)
}

func parseClient(args []string) (clientCommand, error) {
	command := clientCommand{soak: defaultSoak}
	flags := newFlags("client")
	host := flags.String("server_host", "localhost", "")
	var serverPort port
	flags.Var(&serverPort, "server_port", "")
	names := flags.String("test_case", "", "")
	flags.Var((*truth)(&command.useTLS), "use_tls", "")
	flags.Var((*truth)(&command.useTestCA), "use_test_ca", "")
	flags.StringVar(&command.caFile, "ca_file", "", "")
	flags.StringVar(&command.serverHostOverride, "server_host_override", "", "")
	flags.IntVar(&command.concurrentCalls, "concurrent_calls", defaultConcurrentCalls, "")
	s := &command.soak
	flags.IntVar(&s.iterations, "soak_iterations", s.iterations, "")
	flags.IntVar(&s.maxFailures, "soak_max_failures", s.maxFailures, "")
	flags.Var((*milliseconds)(&s.maxLatency), "soak_per_iteration_max_acceptable_latency_ms", "")
	flags.Var((*milliseconds)(&s.minTimeBetweenRPCs), "soak_min_time_ms_between_rpcs", "")
	flags.Var((*seconds)(&s.overallTimeout), "soak_overall_timeout_seconds", "")
	flags.IntVar(&s.requestSize, "soak_request_size", s.requestSize, "")
	flags.IntVar(&s.responseSize, "soak_response_size", s.responseSize, "")
	if err := parse(flags, args); err != nil {
		return command, err
	}
	if serverPort == 0 {
		return command, fmt.Errorf("client: --server_port is missing: a port is a number up to 65535")
	}
	command.address = net.JoinHostPort(*host, serverPort.String())
	command.testCases = strings.Split(*names, ",")
	for _, name := range command.testCases {
		if _, known := cases[name]; !known {
			return command, fmt.Errorf("client: --test_case cannot be %q: there are %s", name, strings.Join(caseNames(), ", "))
		}
	}
	return command, nil
}

// milliseconds and seconds are durations in whole ones, as the description has its flags.
type milliseconds time.Duration
type seconds time.Duration

func (d *milliseconds) String() string { return time.Duration(*d).String() }
func (d *milliseconds) Set(value string) error {
	return setDuration((*time.Duration)(d), value, time.Millisecond)
}
func (d *seconds) String() string { return time.Duration(*d).String() }
func (d *seconds) Set(value string) error {
	return setDuration((*time.Duration)(d), value, time.Second)
}

func setDuration(d *time.Duration, value string, unit time.Duration) error {
	number, err := strconv.ParseUint(value, 10, 31)
	if err != nil {
		return fmt.Errorf("it is a number")
	}
	*d = time.Duration(number) * unit
	return nil
}

// newFlags makes flags that leave it to their caller to say what is wrong.
func newFlags(role string) *flag.FlagSet {
	flags := flag.NewFlagSet(role, flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	return flags
}

func parse(flags *flag.FlagSet, args []string) error {
	err := flags.Parse(args)
	if err == nil && flags.NArg() > 0 {
		err = fmt.Errorf("%s is no flag", flags.Arg(0))
	}
	if err != nil {
		var known []string
		flags.VisitAll(func(f *flag.Flag) { known = append(known, "--"+f.Name) })
		return fmt.Errorf("%s: %v: there are %s", flags.Name(), err, strings.Join(known, ", "))
	}
	return nil
}
