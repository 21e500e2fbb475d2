// Prints the licence of every npm package that the bundle was made of.
import { existsSync, readFileSync, readdirSync } from "node:fs";

const inputs = Object.keys(JSON.parse(readFileSync(process.argv[2], "utf8")).inputs);
const folders = new Set();
for (const input of inputs) {
  const match = input.match(/^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//);
  if (match) folders.add(match[1]);
}

console.log("graphiql.js and graphiql.css contain the following packages, under the licences given.\n");
for (const folder of [...folders].sort()) {
  const about = JSON.parse(readFileSync(`${folder}/package.json`, "utf8"));
  console.log("=".repeat(78));
  console.log(`${about.name} ${about.version} (${about.license ?? "see below"})\n`);
  const file = readdirSync(folder).find((name) => /^(licen[cs]e|copying)/i.test(name));
  if (file && existsSync(`${folder}/${file}`)) {
    console.log(readFileSync(`${folder}/${file}`, "utf8").trim());
  } else {
    const author = typeof about.author === "string" ? about.author : about.author?.name;
    console.log(`Licensed under ${about.license}${author ? `, by ${author}` : ""}.`);
  }
  console.log();
}
