package relation

import "testing"

func TestParseType(t *testing.T) {
	named := func(name string) (Type, bool) {
		switch name {
		case "order_status":
			return TypeOf(Enum), true
		case "tags":
			return ArrayOf(Text), true
		case "amount":
			return Type{Kind: Decimal, Scale: 2}, true
		}
		return Type{}, false
	}
	cases := []struct {
		printed string
		want    Type
	}{
		{"bigint", TypeOf(Int8)},
		{"text", TypeOf(Text)},
		{"json", TypeOf(JSON)},
		{"jsonb", Type{Kind: JSON, Scale: -1, Name: "jsonb"}},
		{"numeric", TypeOf(Decimal)},
		{"numeric(12,2)", Type{Kind: Decimal, Scale: 2, Name: "numeric(12,2)"}},
		{"numeric(12,0)", Type{Kind: Decimal, Scale: 0, Name: "numeric(12,0)"}},
		{"numeric(3,-2)", Type{Kind: Decimal, Scale: 0, Name: "numeric(3,-2)"}},
		{"character varying(20)", Type{Kind: Text, Scale: -1, Name: "character varying(20)"}},
		{"timestamp with time zone", TypeOf(Timestamp)},
		{"timestamp(3) with time zone", Type{Kind: Timestamp, Scale: -1, Name: "timestamp(3) with time zone"}},
		{"timestamp without time zone", Type{Kind: Timestamp, Scale: -1, Name: "timestamp without time zone"}},
		{"time without time zone", TypeOf(Time)},
		{"interval day to second", Type{Kind: Interval, Scale: -1, Name: "interval day to second"}},
		{"integer[]", ArrayOf(Int4)},
		{"timestamp with time zone[]", ArrayOf(Timestamp)},
		{"numeric(12,2)[]", Type{Kind: Array, Elem: Decimal, Scale: -1, Name: "numeric(12,2)[]"}},
		{"order_status", Type{Kind: Enum, Scale: -1, Name: "order_status"}},
		{"public.order_status", Type{Kind: Enum, Scale: -1, Name: "order_status"}},
		{"order_status[]", Type{Kind: Array, Elem: Enum, Scale: -1, Name: "order_status[]"}},
		{"tags", Type{Kind: Array, Elem: Text, Scale: -1, Name: "tags"}},
		{"tags[]", Type{Kind: Array, Elem: Text, Scale: -1, Name: "tags[]"}},
		{"inet", Type{Kind: Text, Scale: -1, Name: "inet"}},
		{"bit varying(5)", Type{Kind: Text, Scale: -1, Name: "bit varying(5)"}},
		{"time(3) with time zone", Type{Kind: Text, Scale: -1, Name: "time(3) with time zone"}},
		{"int4range[]", Type{Kind: Array, Elem: Text, Scale: -1, Name: "int4range[]"}},
		{"amount", Type{Kind: Decimal, Scale: 2, Name: "amount"}},
	}
	for _, c := range cases {
		got, ok := ParseType(c.printed, named)
		if !ok || got != c.want {
			t.Errorf("%s is %+v %t, want %+v", c.printed, got, ok, c.want)
		}
		if again, ok := ParseType(got.PrintedName(), named); !ok || again != got {
			t.Errorf("%s prints as %q, which reads as %+v", c.printed, got.PrintedName(), again)
		}
	}
	for _, printed := range []string{"geometry", "hstore", "time with", "integer[][]", ""} {
		if got, ok := ParseType(printed, named); ok {
			t.Errorf("%q read as %+v", printed, got)
		}
	}
}
