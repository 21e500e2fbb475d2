package main

import (
	"fmt"
	"net/http"
	"net/url"

	"github.com/spf13/cobra"
)

func resyncCommand(c *cli) *cobra.Command {
	return &cobra.Command{
		Use:   "resync SOURCE[.TABLE]",
		Short: "Have a running daemon copy a source, or one of its tables, anew",
		Long: "The cure for a gap in the stream and for another database at the same address: the whole\n" +
			"source is copied. With a table it is the cure for a table that is halted, as when its\n" +
			"columns changed: that table alone is copied, beside the stream, and everything else goes\n" +
			"on. What is stored is served until the copy is complete. `odsd status` shows how far it is.",
		Args: exactArguments(1, "a source or one of its tables"),
		RunE: func(cmd *cobra.Command, args []string) error {
			d, err := (&reach{}).daemon(c)
			if err != nil {
				return err
			}
			code, text, err := d.do(cmd.Context(), http.MethodPost, "/resync/"+url.PathEscape(args[0]), nil)
			if err != nil {
				return err
			}
			if code != http.StatusOK {
				return d.refusal(code, text)
			}
			if c.json {
				_, err = fmt.Fprintln(c.stdout, "{}")
			} else {
				_, err = fmt.Fprintf(c.stdout, "%s is copied anew; odsd status --watch shows how far it is\n", args[0])
			}
			return err
		},
	}
}
