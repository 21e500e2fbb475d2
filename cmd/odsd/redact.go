package main

import (
	"net/url"
	"regexp"
	"strings"
)

// secretKeys of DSNs are left out of everything that is printed.
var secretKeys = []string{"password", "sslpassword", "passfile"}

// keywordValue is one `key = value` of a DSN, the value quoted or not.
var keywordValue = regexp.MustCompile(`(\w+)\s*=\s*('(?:[^'\\]|\\.)*'|(?:[^\s'\\]|\\.)*)`)

// redactDSN is a DSN without its secrets, to be shown; empty where it cannot be
// told what is secret in it.
func redactDSN(dsn string) string {
	if strings.HasPrefix(dsn, "postgres://") || strings.HasPrefix(dsn, "postgresql://") {
		return redactURL(dsn)
	}
	var parts []string
	for _, pair := range keywordValue.FindAllStringSubmatch(dsn, -1) {
		if !isSecret(pair[1]) {
			parts = append(parts, pair[1]+"="+pair[2])
		}
	}
	if rest := keywordValue.ReplaceAllString(dsn, ""); strings.TrimSpace(rest) != "" {
		return "" // not as a DSN is written: a part may be a cut password
	}
	return strings.Join(parts, " ")
}

func redactURL(dsn string) string {
	u, err := url.Parse(dsn)
	if err != nil {
		return ""
	}
	if u.User != nil {
		u.User = url.User(u.User.Username())
	}
	options, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return ""
	}
	for key := range options {
		if isSecret(key) {
			options.Del(key)
		}
	}
	u.RawQuery = options.Encode()
	return u.String()
}

func isSecret(key string) bool {
	for _, secret := range secretKeys {
		if strings.EqualFold(key, secret) {
			return true
		}
	}
	return false
}
