package views

import (
	"math/big"

	"pgregory.net/rapid"

	"odsd/storage/relation"
)

// fractionNumber is a rational, as the standard library computes it.
type fractionNumber struct{ *big.Rat }

func fractionOf(v relation.Value) fractionNumber {
	r, ok := new(big.Rat).SetString(string(relation.AppendDecimal(nil, v)))
	if !ok {
		panic("not a number: " + show(v))
	}
	return fractionNumber{r}
}

func (f fractionNumber) plus(g fractionNumber) fractionNumber {
	return fractionNumber{new(big.Rat).Add(f.Rat, g.Rat)}
}

func (f fractionNumber) minus(g fractionNumber) fractionNumber {
	return fractionNumber{new(big.Rat).Sub(f.Rat, g.Rat)}
}

func (f fractionNumber) times(g fractionNumber) fractionNumber {
	return fractionNumber{new(big.Rat).Mul(f.Rat, g.Rat)}
}

func (f fractionNumber) over(g fractionNumber) fractionNumber {
	return fractionNumber{new(big.Rat).Quo(f.Rat, g.Rat)}
}

func (f fractionNumber) floor() fractionNumber {
	var whole, rest big.Int
	whole.DivMod(f.Num(), f.Denom(), &rest)
	return fractionNumber{new(big.Rat).SetInt(&whole)}
}

func (f fractionNumber) negated() fractionNumber { return fractionNumber{new(big.Rat).Neg(f.Rat)} }

func (f fractionNumber) ceil() fractionNumber { return f.negated().floor().negated() }

func (f fractionNumber) truncated() fractionNumber {
	if f.Sign() < 0 {
		return f.ceil()
	}
	return f.floor()
}

// rounded rounds half away from zero to decimal places.
func (f fractionNumber) rounded(places int) fractionNumber {
	if f.Sign() < 0 {
		return f.negated().rounded(places).negated()
	}
	unit := fractionNumber{big.NewRat(1, 1)}
	ten := fractionNumber{big.NewRat(10, 1)}
	for range places {
		unit = unit.over(ten)
	}
	for range -places {
		unit = unit.times(ten)
	}
	half := fractionNumber{big.NewRat(1, 2)}
	return f.over(unit).plus(half).floor().times(unit)
}

func checkDecimal(t *rapid.T, got relation.Value, want fractionNumber, scale int32) {
	t.Helper()
	if got.Kind() != relation.Decimal {
		t.Fatalf("%s, want %s", show(got), want.RatString())
	}
	if fractionOf(got).Cmp(want.Rat) != 0 || got.Scale() != scale {
		t.Fatalf("%s with %d places, want %s with %d", show(got), got.Scale(), want.RatString(), scale)
	}
}
