package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// result is what a run of the benchmark found, as it is kept.
type result struct {
	Date     time.Time `json:"date"`
	Command  string    `json:"command"`
	Machine  machine   `json:"machine"`
	Settings settings  `json:"settings"`
	// Transactions of the backlog as it was written.
	Transactions   int        `json:"transactions"`
	BacklogSeconds float64    `json:"backlogSeconds"` // that writing it took
	Standings      []standing `json:"contenders"`
}

// machine is where it was measured.
type machine struct {
	Processor  string `json:"processor,omitempty"`
	Cores      int    `json:"cores"`
	OS         string `json:"os"`
	Go         string `json:"go"`
	PostgreSQL string `json:"postgresql"`
	Commit     string `json:"commit,omitempty"` // of the working tree
}

// standing is one contender's runs and their medians.
type standing struct {
	Name                  string        `json:"name"`
	Median                measurement   `json:"median"`
	TransactionsPerSecond float64       `json:"transactionsPerSecond"`
	CPUMicroseconds       float64       `json:"cpuMicrosecondsPerTransaction"`
	Runs                  []measurement `json:"runs"`
}

func newResult(w *world, contenders []contender, now time.Time) *result {
	r := &result{
		Date: now.UTC().Truncate(time.Second), Command: "go run ./bench " + strings.Join(os.Args[1:], " "),
		Machine: machine{
			Processor: processorName(), Cores: runtime.NumCPU(), OS: runtime.GOOS + "/" + runtime.GOARCH,
			Go: runtime.Version(), PostgreSQL: w.databases.Version, Commit: commitOf(),
		},
		Settings: w.settings, Transactions: w.backlog.transactions, BacklogSeconds: w.backlog.seconds,
	}
	for _, c := range contenders {
		r.Standings = append(r.Standings, standing{Name: c.name()})
	}
	return r
}

// commitOf is the commit of the working tree; empty outside of one.
func commitOf() string {
	text, err := exec.Command("git", "describe", "--always", "--dirty").Output()
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(text))
}

func (r *result) add(contender int, m measurement) {
	s := &r.Standings[contender]
	s.Runs = append(s.Runs, m)
	s.Median = measurement{
		Seconds:          median(s.Runs, func(m measurement) float64 { return m.Seconds }),
		CPUSeconds:       median(s.Runs, func(m measurement) float64 { return m.CPUSeconds }),
		SourceCPUSeconds: median(s.Runs, func(m measurement) float64 { return m.SourceCPUSeconds }),
		PeakBytes:        int64(median(s.Runs, func(m measurement) float64 { return float64(m.PeakBytes) })),
	}
	s.TransactionsPerSecond = float64(r.Transactions) / s.Median.Seconds
	s.CPUMicroseconds = s.Median.CPUSeconds * 1e6 / float64(r.Transactions)
}

// rounds that are complete.
func (r *result) rounds() int { return len(r.Standings[len(r.Standings)-1].Runs) }

// median of one figure of the runs; of an even number the mean of the two in the middle.
func median(runs []measurement, figure func(measurement) float64) float64 {
	var figures []float64
	for _, m := range runs {
		figures = append(figures, figure(m))
	}
	slices.Sort(figures)
	return (figures[(len(figures)-1)/2] + figures[len(figures)/2]) / 2
}

// print writes the medians as a table.
func (r *result) print(w io.Writer) error {
	fmt.Fprintf(w, "%d transactions, medians of %d rounds; %d cores, PostgreSQL %s, %s\n\n",
		r.Transactions, r.rounds(), r.Machine.Cores, r.Machine.PostgreSQL, r.Machine.Go)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "contender\tseconds\ttransactions/s\tCPU s\tCPU µs a transaction\tdatabases' CPU s\tpeak MiB\t")
	for _, s := range r.Standings {
		fmt.Fprintf(t, "%s\t%.1f\t%.0f\t%.1f\t%.1f\t%.1f\t%s\t\n", s.Name, s.Median.Seconds, s.TransactionsPerSecond,
			s.Median.CPUSeconds, s.CPUMicroseconds, s.Median.SourceCPUSeconds, mebibytes(s.Median.PeakBytes))
	}
	return t.Flush()
}

func mebibytes(n int64) string {
	if n == 0 {
		return "-"
	}
	return fmt.Sprint(n >> 20)
}

// write keeps the result and its plot in a folder, named by workload and date;
// an empty folder is none.
func (r *result) write(folder string, stderr io.Writer) error {
	if folder == "" {
		return nil
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	name := filepath.Join(folder, r.Settings.Workload+"-"+r.Date.Format("20060102-150405"))
	if err := os.WriteFile(name+".json", append(text, '\n'), 0o644); err != nil {
		return err
	}
	if err := os.WriteFile(name+".svg", []byte(r.plot()), 0o644); err != nil {
		return err
	}
	fmt.Fprintf(stderr, "wrote %s.json and .svg\n", name)
	return nil
}
