package postgres

import (
	"testing"
)

func TestSSLModeUnlessToldOtherwise(t *testing.T) {
	cases := []struct {
		dsn      string
		verified bool
	}{
		{"postgres://u:p@db.example.com/shop", true},
		{"postgres://u:p@db.example.com/shop?application_name=sslmode", true},
		{"postgres://u:p@db.example.com/shop?sslmode=disable", false},
		{"postgres://u:p@localhost/shop", false},
		{"postgres://u:p@127.0.0.1:5433/shop", false},
		{"postgres://u:p@[::1]/shop", false},
		{"postgres://u:p@/shop?host=/var/run/postgresql", false},
		{"postgres://u:p@localhost,db.example.com/shop", true},
		{"host=db.example.com dbname=shop", true},
		{"host=db.example.com dbname='a sslmode=disable b'", true},
		{`host=db.example.com password='it\'s sslmode=disable' dbname=x`, true},
		{"host = db.example.com sslmode = require", false},
		{"host=/tmp dbname=shop", false},
	}
	for _, c := range cases {
		config, err := parseDSN(c.dsn)
		if err != nil {
			t.Errorf("%s: %v", c.dsn, err)
			continue
		}
		verified := config.TLSConfig != nil && !config.TLSConfig.InsecureSkipVerify && config.TLSConfig.ServerName != ""
		for _, f := range config.Fallbacks {
			verified = verified && f.TLSConfig != nil
		}
		if verified != c.verified {
			t.Errorf("%s: verified is %t, want %t", c.dsn, verified, c.verified)
		}
	}
}

func TestDefaultNames(t *testing.T) {
	s := New(Config{Name: "Shop-DE.1"})
	if s.config.Slot != "odsd_shop_de_1" || s.config.Publication != "odsd_shop_de_1" {
		t.Errorf("slot %s, publication %s", s.config.Slot, s.config.Publication)
	}
}

func TestQuote(t *testing.T) {
	for name, want := range map[string]string{"orders": "orders", "Orders": `"Orders"`, "order": `"order"`, `a"b`: `"a""b"`, "1a": `"1a"`, "": `""`, "naïve": `"naïve"`} {
		if got := quote(name); got != want {
			t.Errorf("%q is quoted %s, want %s", name, got, want)
		}
	}
}
