#!/bin/bash
# altered.sh DIR: builds the programs in DIR from the statements in DIR/queries;
# see altered.mjs. Prints their prefix. A tree of links but for sql/queries, so
# that only what changed is built again.
set -euo pipefail
. "$(dirname "$0")/../../script/lib/instance.sh"
. "$(dirname "$0")/../../script/lib/build.sh"

top=$instance_top
dir=$1
tree=$dir/tree

tree_link()
{
	local entry
	mkdir -p "$tree/sql/queries"
	for entry in "$top"/* "$top"/sql/*; do
		case ${entry#"$top"/} in
		build | var | sql | sql/queries) ;;
		*) ln -sfn "$entry" "$tree/${entry#"$top"/}" ;;
		esac
	done
}

# Kept where it is the same, so that make sees no change.
statements()
{
	local file to
	for file in "$dir"/queries/*.sql; do
		to=$tree/sql/queries/${file##*/}
		cmp -s "$file" "$to" || cp "$file" "$to"
	done
}

tree_link
statements
instance_top=$tree
build_product "$dir/build" >&2
echo "$prefix"
