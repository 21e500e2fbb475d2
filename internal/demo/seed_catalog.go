package demo

import (
	"crypto/sha256"
	"fmt"
	"strings"
)

// writeCategories writes the tops, 1 to 5, then their children.
func writeCategories(_ *generator, w *rowWriter) {
	for i, top := range topCategories {
		writeCategory(w, int64(i)+1, 0, top.slug, top.name, i)
	}
	id := int64(len(topCategories))
	for i, top := range topCategories {
		for position, name := range top.children {
			id++
			slug := top.slug + "-" + strings.ReplaceAll(strings.ToLower(name), " ", "-")
			writeCategory(w, id, int64(i)+1, slug, name, position)
		}
	}
}

func writeCategory(w *rowWriter, id, parent int64, slug, name string, position int) {
	w.int(id)
	if parent == 0 {
		w.null()
	} else {
		w.int(parent)
	}
	w.text(slug)
	w.text(name)
	w.int(int64(position))
	w.end()
}

func writeProducts(g *generator, w *rowWriter) {
	for number := range g.products {
		g.writeProduct(number, w)
	}
}

func (g *generator) writeProduct(number int, w *rowWriter) {
	p := g.product(number)
	thing := things[number%len(things)]
	r := g.of(productRows, g.products+number) // product has used the row's own
	w.int(int64(number) + 1)
	w.text(p.sku)
	w.text(productName(number))
	w.textOrNull(description(r.IntN(20), number))
	if chance(r, 50) {
		w.null()
	} else {
		w.int(int64(len(topCategories) + thing.category + 1))
	}
	w.cents(p.cents)
	if chance(r, 10) {
		w.null()
	} else {
		w.text(fmt.Sprintf("%s%02d", amount(p.cents*int64(40+r.IntN(30))/100), r.IntN(100)))
	}
	if chance(r, 12) {
		w.null()
	} else {
		w.float(thing.kilograms*(0.8+r.Float64()*0.4), 3)
	}
	w.text(fmt.Sprintf(`{"material": %q, "colour": %q, "warranty_months": %d, "returnable": %t}`,
		materials[number/len(things)%len(materials)], pick(r, colours), 12*(1+r.IntN(5)), !chance(r, 9)))
	if chance(r, 3) {
		w.null()
	} else {
		w.array(someOf(r, []string{"new", "sale", "handmade", "organic", "limited"}, 3))
	}
	if chance(r, 6) {
		w.null()
	} else {
		digest := sha256.Sum256([]byte(p.sku))
		w.bytes(digest[:])
	}
	w.bool(!chance(r, 25))
	w.date(between(r, historyStart.AddDate(-3, 0, 0), historyStart))
	w.time(between(r, historyStart, historyEnd))
	w.end()
}

// description is mostly a sentence or two, at times none, and at times so long
// that the database stores it out of line and leaves it out of updates.
func description(luck, number int) string {
	sentence := fmt.Sprintf("%s, made to be used every day and repaired when it breaks.", productName(number))
	switch luck {
	case 0:
		return ""
	case 1:
		var b strings.Builder
		for i := range 60 {
			fmt.Fprintf(&b, "%d. %s\n", i+1, sentence)
		}
		return b.String()
	}
	return sentence
}
