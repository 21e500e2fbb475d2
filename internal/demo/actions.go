package demo

import "context"

// action is one thing that happens in the company.
type action struct {
	name   string
	weight int
	do     func(ctx context.Context, w *Worker) error
}

// actions by weight. As many orders, of each status, and customers go as come
// (a deleted customer takes five orders along), so that the databases keep their
// size however long it runs.
var actions = []action{
	{"placed orders", 180, placeOrder},
	{"checked-out drafts", 26, checkOut},
	{"payments", 165, pay},
	{"shipped orders", 160, ship},
	{"tracked shipments", 70, track},
	{"delivered shipments", 165, deliver},
	{"cancelled orders", 20, cancel},
	{"refunded orders", 15, refund},
	{"moved orders", 20, moveOrder},
	{"deleted orders", 130, deleteOrder},
	{"changed quantities", 40, changeQuantity},
	{"added items", 20, addItem},
	{"removed items", 15, removeItem},
	{"swapped items", 7, swapItems},
	{"changed prices", 70, changePrice},
	{"edited products", 20, editProduct},
	{"renamed products", 3, renameProduct},
	{"renamed categories", 2, renameCategory},
	{"new customers", 10, register},
	{"renamed customers", 40, renameCustomer},
	{"edited customers", 40, editCustomer},
	{"moved households", 30, moveHouse},
	{"closed accounts", 20, closeAccount},
	{"reopened accounts", 10, reopenAccount},
	{"deleted customers", 10, deleteCustomer},
}

var totalWeight = func() int {
	total := 0
	for _, a := range actions {
		total += a.weight
	}
	return total
}()
