package main

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"
)

// junitSuites is the report that CI servers read.
type junitSuites struct {
	XMLName  xml.Name     `xml:"testsuites"`
	Tests    int          `xml:"tests,attr"`
	Failures int          `xml:"failures,attr"`
	Suites   []junitSuite `xml:"testsuite"`
}

// junitSuite is one file of tests.
type junitSuite struct {
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Cases    []junitCase `xml:"testcase"`
}

type junitCase struct {
	Class   string        `xml:"classname,attr"` // the view
	Name    string        `xml:"name,attr"`
	Time    string        `xml:"time,attr"`
	Failure *junitFailure `xml:"failure"`
}

type junitFailure struct {
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

func (r testReport) printJUnit(w io.Writer) error {
	all := junitSuites{Tests: len(r.Tests), Failures: r.Failed}
	for _, o := range r.Tests { // a file's tests stand together
		if len(all.Suites) == 0 || all.Suites[len(all.Suites)-1].Name != o.File {
			all.Suites = append(all.Suites, junitSuite{Name: o.File})
		}
		suite := &all.Suites[len(all.Suites)-1]
		suite.add(o)
	}
	text, err := xml.MarshalIndent(all, "", "  ")
	if err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	if _, err := fmt.Fprintf(w, "%s%s\n", xml.Header, text); err != nil {
		return fmt.Errorf("write to stdout: %w", err)
	}
	return nil
}

func (s *junitSuite) add(o testOutcome) {
	c := junitCase{Class: o.View, Name: o.Name, Time: fmt.Sprintf("%.3f", o.Seconds)}
	s.Tests++
	if !o.OK {
		s.Failures++
		var text strings.Builder
		for _, d := range o.Differences {
			fmt.Fprintf(&text, "after %s: %s is %s, expected %s\n", d.after(), d.Path, d.Actual, d.expected())
		}
		c.Failure = &junitFailure{Message: plural(len(o.Differences), "difference"), Text: text.String()}
	}
	s.Cases = append(s.Cases, c)
}
