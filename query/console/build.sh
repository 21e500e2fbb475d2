#!/bin/sh
# Builds static/ from web/ with npm: GraphiQL, React and this page in one script
# and one stylesheet, and the licences of everything in them. Run it after
# changing web/, and commit what it makes.
set -eu
cd "$(dirname "$0")/web"
npm ci --no-audit --no-fund --ignore-scripts
node_modules/.bin/esbuild main.jsx --bundle --minify --format=iife --target=es2020 \
	--define:process.env.NODE_ENV='"production"' --legal-comments=none \
	--loader:.woff2=dataurl --loader:.ttf=dataurl \
	--metafile=node_modules/meta.json --outfile=../static/graphiql.js
node notice.mjs node_modules/meta.json >../static/NOTICE.txt
