package query

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"odsd/storage/relation"
	"odsd/views"
)

// people is a view made for filters: a key of two columns, a field of most
// kinds, ones within ones, lists sorted in the path and through the order
// keyspace, with and without a limit, and one that hangs under a one.
type people struct {
	plan                       *views.Plan
	pets, toys, visits, rooms  int // nodes
	home, owner, place         int // occurrences of ones
	country, score, seen, tier int // ordinals of fields
}

func peopleView(t testing.TB, name string, indexed bool) *people {
	person := table("crm.people",
		plain("region", kind(relation.Text)), plain("id", kind(relation.Int8)), plain("country", kind(relation.Text)), plain("score", kind(relation.Decimal)),
		plain("age", kind(relation.Int4)), plain("active", kind(relation.Bool)), plain("seen", kind(relation.Timestamp)), plain("tier", kind(relation.Enum)),
		plain("ratio", kind(relation.Float4)), plain("tags", relation.ArrayOf(relation.Text)), plain("doc", kind(relation.JSON)))
	person.Key, person.Columns[1].NotNull = []int{0, 1}, true
	home := table("crm.homes", plain("id", kind(relation.Int8)), plain("city", kind(relation.Text)), plain("rent", kind(relation.Decimal)), plain("owner_id", kind(relation.Int8)))
	owner := table("crm.owners", plain("id", kind(relation.Int8)), plain("name", kind(relation.Text)))
	pet := table("crm.pets", plain("id", kind(relation.Int8)), plain("person_id", kind(relation.Int8)), plain("name", kind(relation.Text)), plain("weight", kind(relation.Decimal)))
	toy := table("crm.toys", plain("id", kind(relation.Int8)), plain("pet_id", kind(relation.Int8)), plain("label", kind(relation.Text)))
	visit := table("web.visits", plain("id", kind(relation.Int8)), plain("person_id", kind(relation.Int8)), plain("place_id", kind(relation.Int8)), plain("rating", kind(relation.Int4)))
	place := table("web.places", plain("id", kind(relation.Int8)), plain("name", kind(relation.Text)))
	room := table("crm.rooms", plain("id", kind(relation.Int8)), plain("home_id", kind(relation.Int8)), plain("size", kind(relation.Int4)))

	out := &people{}
	s := newView(name, upperFirst(name), name, person)
	for i, field := range []string{"region", "id", "country", "score", "age", "active", "seen", "tier", "ratio", "tags", "doc"} {
		s.scalar(0, 0, i, field)
	}
	out.country, out.score, out.seen, out.tier = 2, 3, 6, 7
	s.Nodes[0].Scalars[out.score].Name = "total_score" // what an index is declared by
	out.home = s.one(0, 0, 1, home, "home", false)
	s.scalar(0, out.home, 1, "city")
	s.scalar(0, out.home, 2, "rent")
	out.owner = s.one(0, out.home, 3, owner, "owner", false)
	s.scalar(0, out.owner, 1, "name")

	pets := s.many(0, 0, 1, pet, "pets")
	out.pets, pets.Limit = pets.ID, 3
	s.orderBy(pets, pets.Own, 2, true)
	for i, field := range []string{"id", "", "name", "weight"} {
		if field != "" {
			s.scalar(pets.ID, pets.Own, i, field)
		}
	}
	toys := s.many(pets.ID, pets.Own, 1, toy, "toys")
	out.toys = toys.ID
	s.scalar(toys.ID, toys.Own, 0, "id")
	s.scalar(toys.ID, toys.Own, 2, "label")

	visits := s.many(0, 0, 1, visit, "visits")
	out.visits, visits.Limit = visits.ID, 2
	s.scalar(visits.ID, visits.Own, 0, "id")
	s.scalar(visits.ID, visits.Own, 3, "rating")
	out.place = s.one(visits.ID, visits.Own, 2, place, "place", false)
	s.scalar(visits.ID, out.place, 1, "name")
	s.orderBy(visits, out.place, 1, false)

	rooms := s.many(0, out.home, 1, room, "rooms")
	out.rooms = rooms.ID
	s.scalar(rooms.ID, rooms.Own, 0, "id")
	s.scalar(rooms.ID, rooms.Own, 2, "size")
	if indexed {
		s.Indexes = [][]views.IndexTerm{
			{{Field: out.country}, {Field: out.score, Desc: true}},
			{{Field: out.score}},
			{{Field: out.seen, Desc: true}, {Field: out.tier}},
			{{Field: out.tier, Desc: true}},
			{{Field: 1}},
		}
	}
	out.plan = s.compile(t)
	return out
}

var null = relation.OfNull()

// pools hold, by the field's path, the values that rows and filters draw from.
var pools = map[string][]relation.Value{
	"region":     {text("eu"), text("us"), text("")},
	"id":         {bigint(-300), bigint(0), bigint(7), bigint(250), bigint(1 << 40)},
	"country":    {null, text(""), text("DE"), text("De\x00u"), text("DE_"), text("fr%"), text("Ü"), relation.OfError(relation.ErrOverflow)},
	"score":      {null, decimal("1.0"), decimal("1.00"), decimal("-2.5"), decimal("1e3"), decimal("100000000000000000000.1")},
	"age":        {null, integer(-1), integer(0), integer(199), integer(200), integer(70000)},
	"active":     {null, relation.OfBool(true), relation.OfBool(false)},
	"seen":       {null, at(1), at(2), relation.OfTimestamp(-1)},
	"tier":       {null, relation.OfString(relation.Enum, "gold"), relation.OfString(relation.Enum, "silver")},
	"ratio":      {null, relation.OfFloat(relation.Float4, 0.1), relation.OfFloat(relation.Float4, -1), relation.OfFloat(relation.Float4, 1e30)},
	"tags":       {null, relation.OfArray(relation.Text, nil), relation.OfArray(relation.Text, []relation.Value{text("a"), null}), relation.OfArray(relation.Text, []relation.Value{text("b"), text("a")})},
	"doc":        {null, relation.OfString(relation.JSON, "null"), relation.OfString(relation.JSON, "{}")},
	"city":       {null, text("Ulm"), text("ulm"), text("Köln")},
	"rent":       {null, decimal("500"), decimal("500.0"), decimal("7")},
	"name":       {null, text("a"), text("b"), text("ab")},
	"weight":     {null, decimal("1"), decimal("2.5")},
	"label":      {null, text("ball"), text("bone")},
	"rating":     {null, integer(1), integer(2), integer(3)},
	"size":       {null, integer(10), integer(20)},
	"patterns":   {text("%"), text("D_"), text("d%"), text("_"), text(`%\_`), text("%u%"), text("")},
	"beginnings": {text(""), text("D"), text("De\x00"), text("Ü"), text("DE")},
}

func drawValue(t *rapid.T, pool string) relation.Value {
	return rapid.SampledFrom(pools[pool]).Draw(t, pool)
}

func drawRow(t *rapid.T, fields ...string) []relation.Value {
	row := make([]relation.Value, len(fields))
	for i, f := range fields {
		row[i] = drawValue(t, f)
	}
	return row
}

// draw makes people with anything below them, in the order of their keys.
func (p *people) draw(t *rapid.T) []*instance {
	type key struct{ region, id int }
	keys := rapid.SliceOfNDistinct(rapid.Custom(func(t *rapid.T) key {
		return key{rapid.IntRange(0, 2).Draw(t, "region"), rapid.IntRange(0, 4).Draw(t, "id")}
	}), 0, 10, rapid.ID[key]).Draw(t, "keys")
	var all []*instance
	for _, k := range keys {
		d := &instance{key: []relation.Value{pools["region"][k.region], pools["id"][k.id]}}
		d.values = append(append(d.values, d.key...), drawRow(t, "country", "score", "age", "active", "seen", "tier", "ratio", "tags", "doc", "city", "rent", "name")...)
		d.absent = drawAbsent(t, p.home, p.owner)
		p.drawBelow(t, d)
		all = append(all, d)
	}
	return all
}

func drawAbsent(t *rapid.T, occurrences ...int) []int {
	var absent []int
	for _, o := range occurrences {
		if rapid.IntRange(0, 3).Draw(t, fmt.Sprint("absent ", o)) == 0 {
			absent = append(absent, o)
		}
	}
	return absent
}

func (p *people) drawBelow(t *rapid.T, d *instance) {
	for i := range rapid.IntRange(0, 5).Draw(t, "pets") {
		row := append([]relation.Value{bigint(int64(i))}, drawRow(t, "name", "weight")...)
		pet := &instance{key: row[:1], order: row[1:2], values: row}
		for k := range rapid.IntRange(0, 2).Draw(t, "toys") {
			toy := append([]relation.Value{bigint(int64(k))}, drawRow(t, "label")...)
			pet.add(p.toys, &instance{key: toy[:1], values: toy})
		}
		d.add(p.pets, pet)
	}
	for i := range rapid.IntRange(0, 4).Draw(t, "visits") {
		row := append([]relation.Value{bigint(int64(i))}, drawRow(t, "rating", "name")...)
		visit := &instance{key: row[:1], values: row, absent: drawAbsent(t, p.place)}
		visit.order = []relation.Value{row[2]}
		d.add(p.visits, visit)
	}
	for i := range rapid.IntRange(0, 2).Draw(t, "rooms") {
		row := append([]relation.Value{bigint(int64(i))}, drawRow(t, "size")...)
		d.add(p.rooms, &instance{key: row[:1], values: row})
	}
}

// sample is what the scripts run on.
func (p *people) sample() []*instance {
	person := func(region string, id int64, country, score string, day int, tier string) *instance {
		values := []relation.Value{text(region), bigint(id), null, null, integer(id), null, null, null, null, null, null, null, null, null}
		d := &instance{key: values[:2], values: values, absent: []int{p.home, p.owner}}
		if country != "" {
			values[p.country] = text(country)
		}
		if score != "" {
			values[p.score] = decimal(score)
		}
		if day > 0 {
			values[p.seen] = at(day)
		}
		if tier != "" {
			values[p.tier] = relation.OfString(relation.Enum, tier)
		}
		return d
	}
	pet := func(id int64, name, weight string) *instance {
		row := []relation.Value{bigint(id), text(name), decimal(weight)}
		return &instance{key: row[:1], order: row[1:2], values: row}
	}
	visit := func(id, rating int64, place string) *instance {
		row := []relation.Value{bigint(id), integer(rating), text(place)}
		return &instance{key: row[:1], order: row[2:], values: row}
	}
	ann := person("eu", 1, "DE", "10.00", 1, "gold")
	ann.absent = []int{p.owner}
	ann.values[11], ann.values[12] = text("Ulm"), decimal("500")
	ann.add(p.pets, pet(1, "Rex", "30.5"), pet(2, "Tom", "4"), pet(3, "Bim", "1"), pet(4, "Ace", "9"))
	ann.add(p.visits, visit(1, 3, "zoo"), visit(2, 5, "bar"), visit(3, 4, "cafe"))
	ben := person("eu", 2, "DE", "7.5", 2, "silver")
	ben.absent, ben.values[11], ben.values[13] = nil, text("Köln"), text("Kim")
	ben.add(p.pets, pet(1, "Tom", "5"))
	return []*instance{
		ann, ben, person("eu", 3, "FR", "", 0, ""), person("eu", 4, "", "3", 4, "gold"),
		person("us", 1, "US", "10", 5, ""), person("us", 2, "DE", "-1", 6, "gold"),
	}
}
