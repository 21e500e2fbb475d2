package oracle

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"slices"
)

// consistent checks what holds between the parts of one reply, which is of one
// state: aggregates and the lists that they are of, views of the same orders and
// customers, and accounts whose sum no transaction changes.
func consistent(data map[string]any) error {
	customer, _ := data["customer360"].(map[string]any)
	board, _ := data["orderBoardByKeys"].([]any)
	products, _ := data["productSalesByKeys"].([]any)
	errs := []error{accountsAddUp(products)}
	if customer != nil {
		errs = append(errs, customerAddsUp(customer))
	}
	if vip, _ := data["vipCustomers"].(map[string]any); vip != nil && customer != nil {
		errs = append(errs, sameCustomer(vip, customer))
	}
	for _, entry := range board {
		order, _ := entry.(map[string]any)
		if order == nil {
			continue
		}
		errs = append(errs, boardAddsUp(order))
		if customer != nil {
			errs = append(errs, sameOrder(customer, order))
		}
	}
	return errors.Join(errs...)
}

func accountsAddUp(products []any) error {
	sum := newSum()
	for _, p := range products {
		product, _ := p.(map[string]any)
		if product == nil {
			return errors.New("an account is missing")
		}
		sum.add(product["price"])
	}
	return sum.equals("the accounts together", fmt.Sprint(accountsSum))
}

// customerAddsUp compares a customer's totals with the orders, where all are shown.
func customerAddsUp(customer map[string]any) error {
	orders := list(customer["orders"])
	var errs []error
	units, paid, all := newSum(), newSum(), newSum()
	parcels := 0
	var placed []string
	for _, order := range orders {
		own := newSum()
		for _, item := range list(order["items"]) {
			own.add(item["quantity"])
		}
		errs = append(errs, own.equals("units of order "+fmt.Sprint(order["id"]), order["units"]))
		units.add(order["units"])
		all.add(order["total"])
		if slices.Contains([]any{"paid", "shipped", "delivered"}, order["status"]) {
			paid.add(order["total"])
		}
		for _, shipment := range list(order["shipments"]) {
			if shipment["status"] == "created" || shipment["status"] == "in_transit" {
				parcels++
			}
		}
		at, _ := order["placedAt"].(string)
		placed = append(placed, at)
	}
	if fmt.Sprint(customer["orderCount"]) != fmt.Sprint(len(orders)) {
		return errors.Join(errs...) // more than the list shows
	}
	errs = append(errs,
		units.equals("units", customer["units"]),
		paid.equals("paidTotal", customer["paidTotal"]),
		same("parcelsOnTheirWay", customer["parcelsOnTheirWay"], fmt.Sprint(parcels)))
	if len(orders) > 0 {
		errs = append(errs,
			same("firstOrderAt", customer["firstOrderAt"], slices.Min(placed)),
			same("lastOrderAt", customer["lastOrderAt"], slices.Max(placed)),
			all.average("averageOrder", len(orders), customer["averageOrder"]))
	}
	return errors.Join(errs...)
}

func boardAddsUp(order map[string]any) error {
	items := list(order["items"])
	units, gifts := newSum(), 0
	for _, item := range items {
		units.add(item["quantity"])
		if item["giftWrap"] == true {
			gifts++
		}
	}
	customer, _ := order["customer"].(map[string]any)
	errs := []error{
		same("itemCount", order["itemCount"], fmt.Sprint(len(items))),
		same("gifts", order["gifts"], fmt.Sprint(gifts)),
		same("toPack", order["toPack"], fmt.Sprint(order["status"] == "paid" && order["shipment"] == nil)),
		same("forBusiness", order["forBusiness"], fmt.Sprint(customer != nil && customer["segment"] != "consumer")),
	}
	if len(items) > 0 {
		errs = append(errs, units.equals("units of the board", order["units"]))
	}
	return errors.Join(errs...)
}

// sameOrder compares an order of the board with the same in its customer's list.
func sameOrder(customer, order map[string]any) error {
	owner, _ := order["customer"].(map[string]any)
	for _, o := range list(customer["orders"]) {
		if o["id"] != order["id"] {
			continue
		}
		if owner == nil || owner["id"] != customer["id"] {
			return fmt.Errorf("order %v is in the list of customer %v, and on the board of %v", o["id"], customer["id"], owner)
		}
		return errors.Join(
			same("status of order "+fmt.Sprint(o["id"]), o["status"], fmt.Sprint(order["status"])),
			same("total of order "+fmt.Sprint(o["id"]), o["total"], fmt.Sprint(order["total"])))
	}
	shown := slices.Contains([]any{"placed", "paid", "shipped"}, order["status"])
	if owner != nil && owner["id"] == customer["id"] && shown && fmt.Sprint(customer["orderCount"]) == fmt.Sprint(len(list(customer["orders"]))) {
		return fmt.Errorf("order %v of customer %v is on the board and not in the customer's list", order["id"], owner["id"])
	}
	return nil
}

// sameCustomer compares what a view shows with what the view above it shows.
func sameCustomer(above, below map[string]any) error {
	var errs []error
	for name, value := range above {
		errs = append(errs, same(name+" of the view above", value, fmt.Sprint(below[name])))
	}
	return errors.Join(errs...)
}

func list(v any) []map[string]any {
	var all []map[string]any
	entries, _ := v.([]any)
	for _, e := range entries {
		if m, ok := e.(map[string]any); ok {
			all = append(all, m)
		}
	}
	return all
}

func same(what string, got any, want string) error {
	if fmt.Sprint(got) != want {
		return fmt.Errorf("%s is %v, its parts make %s", what, got, want)
	}
	return nil
}

// sum adds numbers exactly; one that is none, NaN above all, makes it no number.
type sum struct {
	total big.Rat
	ok    bool
}

func newSum() *sum { return &sum{ok: true} }

func (s *sum) add(v any) {
	n, ok := rational(v)
	if s.ok = s.ok && ok; s.ok {
		s.total.Add(&s.total, n)
	}
}

func rational(v any) (*big.Rat, bool) {
	text, isString := v.(string)
	if number, ok := v.(json.Number); ok {
		text, isString = number.String(), true
	}
	if !isString {
		return nil, false
	}
	return new(big.Rat).SetString(text)
}

func (s *sum) equals(what string, got any) error {
	n, ok := rational(got)
	if !s.ok {
		return same(what, got, "NaN")
	}
	if !ok || s.total.Cmp(n) != 0 {
		return fmt.Errorf("%s is %v, its parts make %s", what, got, s.total.FloatString(2))
	}
	return nil
}

// average compares with the mean to two places.
func (s *sum) average(what string, n int, got any) error {
	if !s.ok {
		return same(what, got, "NaN")
	}
	mean := new(big.Rat).Quo(&s.total, big.NewRat(int64(n), 1))
	// FloatString rounds half away from zero, as averages do.
	return same(what, got, mean.FloatString(2))
}
