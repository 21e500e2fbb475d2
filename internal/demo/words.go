package demo

import "fmt"

var firstNames = []string{
	"Ada", "Ahmet", "Alice", "Amélie", "Anna", "Antoine", "Aylin", "Ben", "Björn", "Camille", "Carlos", "Chiara",
	"Clara", "Daan", "David", "Elena", "Elif", "Emil", "Emma", "Fatima", "Felix", "Finn", "Freya", "Giulia",
	"Grace", "Hannah", "Hugo", "Ines", "Ingrid", "Jan", "Jonas", "José", "Julia", "Kateřina", "Lars", "Lea",
	"Leon", "Lucía", "Lukas", "Maja", "Marek", "Marie", "Mateo", "Mehmet", "Mia", "Nadia", "Noah", "Nora",
	"Olga", "Oliver", "Paul", "Pía", "Rania", "Sofia", "Søren", "Tomás", "Wanda", "Yusuf", "Zoë", "Łukasz",
}

var lastNames = []string{
	"Andersson", "Bakker", "Bauer", "Becker", "Bernard", "Bianchi", "Brown", "Costa", "de Vries", "Dubois", "Dupont",
	"Fernández", "Fischer", "García", "Hansen", "Hoffmann", "Horák", "Jansen", "Jensen", "Kaya", "Keller", "Klein",
	"Kowalski", "Krüger", "Larsen", "Lefèvre", "López", "Lorenz", "Martin", "Meyer", "Moreau", "Müller", "Nielsen",
	"Novák", "Nowak", "O'Brien", "Öztürk", "Petit", "Richter", "Romano", "Rossi", "Ruiz", "Sánchez", "Schäfer",
	"Schmidt", "Schneider", "Silva", "Smit", "Smith", "Svensson", "Taylor", "van Dijk", "Vogel", "Wagner", "Weber",
	"Wilson", "Wiśniewska", "Wolf", "Yılmaz", "Zimmermann",
}

var companyEndings = []string{"GmbH", "& Söhne", "SARL", "S.r.l.", "BV", "AB", "Ltd", "s.r.o."}

var customerTags = []string{"early-bird", "wholesale", "press", "staff", "gift-buyer", "returns-often", "newsletter-2024", "trade-fair"}

// city is a place with what addresses need of it.
type city struct {
	name, country, postal string // postal is a format for a number below 1000
	latitude, longitude   float64
}

var cities = []city{
	{"Berlin", "DE", "10%03d", 52.52, 13.405}, {"Hamburg", "DE", "20%03d", 53.551, 9.993},
	{"München", "DE", "80%03d", 48.137, 11.575}, {"Köln", "DE", "50%03d", 50.937, 6.96},
	{"Leipzig", "DE", "04%03d", 51.34, 12.375}, {"Wien", "AT", "1%03d", 48.208, 16.373},
	{"Graz", "AT", "8%03d", 47.07, 15.439}, {"Zürich", "CH", "8%03d", 47.377, 8.541},
	{"Genève", "CH", "1%03d", 46.204, 6.143}, {"Paris", "FR", "75%03d", 48.857, 2.352},
	{"Lyon", "FR", "69%03d", 45.764, 4.836}, {"Marseille", "FR", "13%03d", 43.297, 5.37},
	{"Amsterdam", "NL", "1%03d AB", 52.367, 4.904}, {"Rotterdam", "NL", "3%03d CD", 51.924, 4.478},
	{"Bruxelles", "BE", "1%03d", 50.85, 4.352}, {"København", "DK", "2%03d", 55.676, 12.568},
	{"Stockholm", "SE", "11%03d", 59.329, 18.069}, {"Oslo", "NO", "0%03d", 59.914, 10.752},
	{"Warszawa", "PL", "00-%03d", 52.23, 21.012}, {"Kraków", "PL", "30-%03d", 50.065, 19.945},
	{"Praha", "CZ", "11%03d", 50.076, 14.437}, {"Madrid", "ES", "28%03d", 40.417, -3.704},
	{"Barcelona", "ES", "08%03d", 41.385, 2.173}, {"Lisboa", "PT", "1100-%03d", 38.722, -9.139},
	{"Milano", "IT", "20%03d", 45.464, 9.19}, {"Roma", "IT", "00%03d", 41.903, 12.496},
	{"London", "GB", "E1 %03d", 51.507, -0.128}, {"Dublin", "IE", "D02 X%03d", 53.35, -6.26},
}

var streets = []string{
	"Hauptstraße", "Bahnhofstraße", "Gartenweg", "Lindenallee", "Rue de la Gare", "Avenue Victor Hugo", "Via Roma",
	"Calle Mayor", "Station Road", "High Street", "Kerkstraat", "Nygade", "Storgatan", "ulica Polna", "Na Příkopě",
}

// topCategories and their children make the tree of categories.
var topCategories = []struct {
	name, slug string
	children   []string
}{
	{"Kitchen", "kitchen", []string{"Knives", "Cookware", "Coffee", "Tableware"}},
	{"Living", "living", []string{"Lamps", "Chairs", "Textiles", "Shelves"}},
	{"Office", "office", []string{"Paper", "Pens", "Desks"}},
	{"Outdoor", "outdoor", []string{"Backpacks", "Tents", "Bottles"}},
	{"Workshop", "workshop", []string{"Hand Tools", "Measuring"}},
}

// thing is what a product is, its category by the order of the children above.
type thing struct {
	name, code string
	category   int
	cents      int64
	kilograms  float64
}

var things = []thing{
	{"Chef's Knife", "KNF", 0, 7900, 0.3}, {"Saucepan", "PAN", 1, 5900, 1.4}, {"Pour-over Set", "COF", 2, 3900, 0.8},
	{"Espresso Cup", "CUP", 3, 1200, 0.2}, {"Dinner Plate", "PLT", 3, 1800, 0.6}, {"Desk Lamp", "LMP", 4, 8900, 1.9},
	{"Floor Lamp", "FLR", 4, 18900, 6.5}, {"Dining Chair", "CHR", 5, 22900, 5.2}, {"Wool Blanket", "BLK", 6, 11900, 1.1},
	{"Linen Curtain", "CRT", 6, 6900, 0.9}, {"Wall Shelf", "SHF", 7, 9900, 4.3}, {"Notebook", "NTB", 8, 1490, 0.3},
	{"Fountain Pen", "PEN", 9, 4900, 0.1}, {"Standing Desk", "DSK", 10, 64900, 38}, {"Daypack", "PCK", 11, 9900, 0.9},
	{"Two-person Tent", "TNT", 12, 29900, 2.4}, {"Steel Bottle", "BTL", 13, 2900, 0.4}, {"Claw Hammer", "HMR", 14, 2490, 0.7},
	{"Hand Plane", "PLN", 14, 7490, 1.6}, {"Spirit Level", "LVL", 15, 3290, 0.8},
}

var materials = []string{"Oak", "Walnut", "Steel", "Brass", "Linen", "Wool", "Ceramic", "Glass", "Copper", "Bamboo", "Leather", "Cork"}

var colours = []string{"black", "white", "sand", "moss", "rust", "slate", "ocean", "natural"}

var carriers = []string{"DHL", "DPD", "GLS", "UPS", "PostNL", "Colissimo"}

var orderNotes = []string{
	"Please ring twice.", "Leave with the neighbour.", "A gift: no invoice in the parcel, please.",
	"Deliver after 17:00.", "Second floor, left.", "Call before delivery.",
}

func skuOf(code string, number int) string { return fmt.Sprintf("%s-%05d", code, number+1) }

func orderNumber(id int64) string { return fmt.Sprintf("SO-%08d", id) }

func productName(number int) string {
	thing := things[number%len(things)]
	return materials[number/len(things)%len(materials)] + " " + thing.name
}
