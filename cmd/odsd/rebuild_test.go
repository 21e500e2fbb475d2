package main

import (
	"errors"
	"testing"

	"odsd/engine"
)

// A build that waits for a halted table is told from one that waits for what will come, served
// or not meanwhile.
func TestWaitingForAHaltedTable(t *testing.T) {
	halted := &engine.Fault{Code: "SCHEMA_CHANGED", Message: "shop.items: column sku was dropped", Hint: "odsd resync shop.items"}
	for name, of := range map[string]struct {
		view   engine.ViewReport
		halted bool
	}{
		"not served, table halted":   {engine.ViewReport{Name: "cust", State: engine.ViewWaiting, Error: halted}, true},
		"served, table halted":       {engine.ViewReport{Name: "cust", State: engine.ViewReady, Next: &engine.NextReport{State: engine.ViewWaiting, Error: halted}}, true},
		"not served, table copied":   {engine.ViewReport{Name: "cust", State: engine.ViewWaiting}, false},
		"served, table copied":       {engine.ViewReport{Name: "cust", State: engine.ViewReady, Next: &engine.NextReport{State: engine.ViewWaiting}}, false},
		"its file has errors":        {engine.ViewReport{Name: "cust", State: engine.ViewWaiting, Error: &engine.Fault{Code: definitionCode}}, false},
		"served, and to be so still": {engine.ViewReport{Name: "cust", State: engine.ViewReady}, false},
	} {
		err := waitError(of.view)
		if errors.Is(err, errHalted) != of.halted {
			t.Errorf("%s: %v", name, err)
		}
		if of.halted && (err.Error() != "cust waits for a table that is halted: shop.items: column sku was dropped" || hintOf(err) != halted.Hint) {
			t.Errorf("%s: %q, hint %q", name, err, hintOf(err))
		}
	}
}
