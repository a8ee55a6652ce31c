// Statements that are planned once are planned well even where the tables are
// empty: the first connection to a new database keeps that plan.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { before, describe, test } from 'node:test';
import { sql } from '../lib/people.mjs';
import { stack } from '../lib/stack.mjs';

let house;
before(async () => {
	house = await stack();
});

const types = { account: 'bigint', id: 'bigint', int: 'bigint', bool: 'boolean',
	ints: 'bigint[]', texts: 'text[]', times: 'timestamptz[]',
	bools: 'boolean[]', time: 'timestamptz', text: 'text', ids: 'bigint[]' };

/** The text of a statement of sql/queries, and the SQL types of its arguments. */
function statement(noun, name) {
	const text = readFileSync(
		new URL(`../../sql/queries/${noun}.sql`, import.meta.url), 'utf8');
	const from = text.indexOf(`-- name: ${name} `);
	const all = text.slice(from, text.indexOf(';', from));
	const args = [...all.matchAll(/^-- args: (.*)$/gm)]
		.flatMap((line) => line[1].split(',')).filter((word) => word.trim())
		.map((word) => types[word.trim().split(' ')[0].replace('?', '')]);
	assert.ok(from >= 0 && !args.includes(undefined), name);
	assert.ok(!all.includes('-- plan: custom'), `${name} is planned each time`);
	return { args, text: all.replace(/^\s*--.*$/gm, '') };
}

function plan({ args, text }) {
	return sql(house, `SET search_path = letterrack;
		SET plan_cache_mode = force_generic_plan;
		SET letterrack.application = 1; SET letterrack.account = 1;
		SET "letterrack.user" = 0; SET ROLE letterrack;
		PREPARE it (${args.join(', ')}) AS ${text};
		EXPLAIN (COSTS OFF) EXECUTE it (${args.map(() => 'NULL').join(', ')})`);
}

describe('a plan made for empty tables', () => {
	for (const [noun, name] of [['placement', 'placement_ingest'],
		['email', 'email_list'], ['email', 'email_find_in'],
		['move', 'move_possible'], ['move', 'move_by_size'],
		['move', 'move_lying'], ['move', 'move_place_alike']])
		test(`${name} walks along indexes`, () => {
			const found = plan(statement(noun, name));
			assert.match(found, /Index/);
			assert.doesNotMatch(found, /Seq Scan on (email|placement)\b/);
		});
});
