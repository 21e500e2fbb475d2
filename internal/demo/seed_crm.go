package demo

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// sampleCustomer is the one that the sample queries ask for: the best there is,
// who does not leave.
const sampleCustomer = 1

// person is what a customer's two tables share.
type person struct {
	first, last, company string
	home                 city
}

func newPerson(r *rand.Rand) person {
	p := person{first: pick(r, firstNames), last: pick(r, lastNames), home: pick(r, cities)}
	if chance(r, 40) {
		p.last = "" // known by the first name alone
	}
	if chance(r, 7) {
		p.company = strings.TrimSpace(pick(r, lastNames) + " " + pick(r, companyEndings))
	}
	return p
}

func (p person) fullName() string { return strings.TrimSpace(p.first + " " + p.last) }

// email of the customer with the id, which makes it unique.
func (p person) email(id int64) string {
	return fmt.Sprintf("%s.%d@example.%s", asciiLower(p.first), id, strings.ToLower(p.home.country))
}

func asciiLower(s string) string {
	return strings.Map(func(c rune) rune {
		if c < 'a' || c > 'z' {
			return -1
		}
		return c
	}, strings.ToLower(s))
}

// segment by whether there is a company.
func (p person) segment(r *rand.Rand) string {
	switch {
	case p.company == "":
		return "consumer"
	case chance(r, 4):
		return "reseller"
	}
	return "business"
}

func writeCustomers(g *generator, w *rowWriter) {
	for number := range g.customers {
		writeCustomer(g.of(customerRows, number), int64(number)+1, w)
	}
}

func writeCustomer(r *rand.Rand, id int64, w *rowWriter) {
	p := newPerson(r)
	joined := between(r, historyStart.AddDate(-4, 0, 0), historyStart)
	w.int(id)
	w.text(p.email(id))
	w.text(p.first)
	w.textOrNull(p.last)
	w.textOrNull(p.company)
	w.text(p.segment(r))
	if chance(r, 25) {
		w.null()
	} else {
		w.text(p.home.country)
	}
	if chance(r, 3) {
		w.null()
	} else {
		w.text(fmt.Sprintf("+49 30 555%04d", r.IntN(10000)))
	}
	if chance(r, 4) {
		w.null()
	} else {
		w.date(between(r, historyStart.AddDate(-75, 0, 0), historyStart.AddDate(-18, 0, 0)))
	}
	w.bool(chance(r, 3))
	w.array(someOf(r, customerTags, 3))
	if chance(r, 2) {
		w.null()
	} else {
		w.text(fmt.Sprintf(`{"theme": %q, "currency": "EUR", "emails_per_week": %d}`, pick(r, []string{"light", "dark"}), r.IntN(8)))
	}
	if p.company == "" {
		w.null()
	} else {
		w.cents(int64(1+r.IntN(50)) * 100000)
	}
	w.time(joined)
	updated := between(r, joined, historyEnd)
	w.time(updated)
	if chance(r, 60) && id != sampleCustomer {
		w.time(updated)
	} else {
		w.time(time.Time{})
	}
	w.end()
}

// someOf is up to most of the words, each once, in their order.
func someOf(r *rand.Rand, words []string, most int) []string {
	var some []string
	wanted := r.IntN(most + 1)
	for i, word := range words {
		if left := len(words) - i; r.IntN(left) < wanted-len(some) {
			some = append(some, word)
		}
	}
	return some
}

// writeAddresses gives each customer one to three: a billing address, then
// shipping addresses.
func writeAddresses(g *generator, w *rowWriter) {
	for number := range g.customers {
		p := newPerson(g.of(customerRows, number))
		r := g.of(addressRows, number)
		for i := range 1 + skewed(r, 3, 2) {
			a := newAddress(r, p, i == 0)
			w.uuid(a.id)
			w.int(int64(number) + 1)
			w.text(a.kind)
			w.bool(i < 2)
			w.textOrNull(a.recipient)
			w.text(a.street)
			w.text(a.postal)
			w.text(a.place.name)
			w.text(a.place.country)
			if chance(r, 5) {
				w.null()
				w.null()
			} else {
				w.float(a.place.latitude+r.Float64()/10, 6)
				w.float(a.place.longitude+r.Float64()/10, 6)
			}
			w.time(between(r, historyStart, historyEnd))
			w.end()
		}
	}
}

type address struct {
	id                              [16]byte
	kind, recipient, street, postal string
	place                           city
}

func newAddress(r *rand.Rand, p person, billing bool) address {
	a := address{id: uuidOf(r), kind: "billing", place: p.home}
	if !billing {
		a.kind = "shipping"
		a.recipient = p.fullName()
		if chance(r, 4) {
			a.place = pick(r, cities)
		}
	}
	a.street = fmt.Sprintf("%s %d", pick(r, streets), 1+r.IntN(180))
	a.postal = fmt.Sprintf(a.place.postal, r.IntN(1000))
	return a
}
