package main

import (
	"embed"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"odsd/internal/demo"
)

//go:embed workloads
var workloads embed.FS

// workload is what the transactions of a benchmark do, by database.
type workload map[string][]statement

// statement is one kind of transaction: a statement that changes one row.
type statement struct {
	share int // of a hundred transactions over all databases
	name  string
	sql   string
}

var heading = regexp.MustCompile(`^-- ([0-9]+) (.+)$`)

// readWorkload reads a folder of workloads: one file a database.
func readWorkload(name string) (workload, error) {
	w := workload{}
	total := 0
	for _, database := range demo.Names() {
		file := "workloads/" + name + "/" + database + ".sql"
		text, err := workloads.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("workload %s: %w", name, err)
		}
		statements, err := parseStatements(string(text))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		w[database] = statements
		total += w.share(database)
	}
	if total != 100 {
		return nil, fmt.Errorf("workload %s: the shares add up to %d, not to 100", name, total)
	}
	return w, nil
}

// parseStatements reads the statements below the headings of a file.
func parseStatements(text string) ([]statement, error) {
	var statements []statement
	for number, line := range strings.Split(text, "\n") {
		if m := heading.FindStringSubmatch(line); m != nil {
			share, err := strconv.Atoi(m[1])
			if err != nil {
				return nil, fmt.Errorf("line %d: %w", number+1, err)
			}
			statements = append(statements, statement{share: share, name: m[2]})
			continue
		}
		if line == "" || strings.HasPrefix(line, "--") {
			continue
		}
		if len(statements) == 0 {
			return nil, fmt.Errorf("line %d: a statement without a heading", number+1)
		}
		statements[len(statements)-1].sql += line + "\n"
	}
	return statements, nil
}

// share is how many of a hundred transactions are a database's.
func (w workload) share(database string) int {
	share := 0
	for _, s := range w[database] {
		share += s.share
	}
	return share
}

// procedure is the SQL of a procedure that does a database's transactions, each
// with a commit of its own: one round trip for all of them, so that writing the
// backlog takes less time than reading it. What changes no row does not count.
func (w workload) procedure(database string) string {
	var choice strings.Builder
	upTo, branch := 0, "if"
	for _, s := range w[database] {
		upTo += s.share
		fmt.Fprintf(&choice, "    %s dice < %d then\n%s", branch, upTo, s.sql)
		branch = "elsif"
	}
	return fmt.Sprintf(procedureText, upTo, choice.String())
}

const procedureText = `
create or replace procedure bench_backlog(worker bigint, workers bigint, transactions bigint,
  of_customers bigint, of_orders bigint, of_products bigint, start double precision)
language plpgsql as $procedure$
declare
  tries bigint := 0; done bigint := 0; affected bigint; dice double precision;
  n bigint; customer bigint; an_order bigint; recent bigint; product bigint; moment timestamptz;
  latest bigint := of_orders;
begin
  perform setseed(start);
  while done < transactions loop
    n := worker + workers * tries;
    tries := tries + 1;
    customer := 1 + (floor(of_customers * power(random(), 1.6))::bigint * 7919) %% of_customers;
    product := 1 + (floor(of_products * power(random(), 2))::bigint * 7919) %% of_products;
    an_order := 1 + floor(of_orders * random())::bigint;
    recent := of_orders - floor(of_orders * 0.15 * random())::bigint;
    moment := timestamptz '2025-12-02 00:00:00+00' + floor(random() * 2592000) * interval '1 second';
    dice := random() * %d;
%s    end if;
    get diagnostics affected = row_count;
    commit;
    done := done + affected;
  end loop;
end
$procedure$`
