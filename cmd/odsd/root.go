package main

import (
	"io"

	"github.com/spf13/cobra"
)

// cli is what all commands share: where they read and write, and the flags of
// the root.
type cli struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	dir            string // -C
	json           bool   // --json
}

func rootCommand(c *cli) *cobra.Command {
	root := &cobra.Command{
		Use:           "odsd",
		Short:         "Live documents across your teams' PostgreSQL databases, over GraphQL",
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          noArguments,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.PersistentFlags().StringVarP(&c.dir, "dir", "C", ".", "the project `folder`")
	root.PersistentFlags().BoolVar(&c.json, "json", false, "print one JSON document on stdout")
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return withHint(err, "run '"+cmd.CommandPath()+" --help' for the flags it takes")
	})
	root.CompletionOptions.HiddenDefaultCmd = true
	root.AddCommand(
		initCommand(c),
		checkCommand(c),
		testCommand(c),
		runCommand(c),
		demoCommand(c),
		explainCommand(c),
		schemaCommand(c),
		statusCommand(c),
		queryCommand(c),
		planCommand(c),
		reloadCommand(c),
		rebuildCommand(c),
		resyncCommand(c),
		backupCommand(c),
		restoreCommand(c),
		verifyCommand(c),
		versionCommand(c),
	)
	return root
}

// noArguments refuses arguments, naming a likely command for a mistyped one.
func noArguments(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	if cmd.HasParent() {
		return hintf("run '%s --help'", cmd.CommandPath()).errorf("%s takes no arguments, got %q", cmd.CommandPath(), args[0])
	}
	cmd.SuggestionsMinimumDistance = 2
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		return hintf("did you mean 'odsd %s'?", near[0]).errorf("no command %q", args[0])
	}
	return hintf("run 'odsd --help' for the commands").errorf("no command %q", args[0])
}

// exactArguments wants n arguments, described as in the usage line.
func exactArguments(n int, what string) cobra.PositionalArgs { return betweenArguments(n, n, what) }

// betweenArguments wants from least to most arguments.
func betweenArguments(least, most int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) >= least && len(args) <= most {
			return nil
		}
		return hintf("usage: %s", cmd.UseLine()).errorf("%s wants %s, got %d arguments", cmd.CommandPath(), what, len(args))
	}
}
