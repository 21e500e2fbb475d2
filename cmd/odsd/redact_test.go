package main

import (
	"strings"
	"testing"
)

func TestRedactDSN(t *testing.T) {
	for _, test := range []struct{ dsn, want string }{
		{"postgres://ada:s3cret@db.shop:5432/shop?sslmode=disable", "postgres://ada@db.shop:5432/shop?sslmode=disable"},
		{"postgresql://db/shop?password=s3cret&user=ada", "postgresql://db/shop?user=ada"},
		{"postgres://db/shop", "postgres://db/shop"},
		{"host=db user=ada password=s3cret dbname=shop", "host=db user=ada dbname=shop"},
		{"host=db PASSWORD = 's3cret with \\' and space' dbname=shop", "host=db dbname=shop"},
		{"host=db password=s3cret\\ cut dbname=shop", "host=db dbname=shop"},
		{"host=db password='s3cret", ""},
		{"postgres://ada:s3cret%@db/shop", ""},
		{"s3cret", ""},
		{"", ""},
	} {
		got := redactDSN(test.dsn)
		if got != test.want {
			t.Errorf("%s: got %q, want %q", test.dsn, got, test.want)
		}
		if strings.Contains(got, "s3cret") {
			t.Errorf("%s: the secret shows", test.dsn)
		}
	}
}
