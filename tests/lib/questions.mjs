// What the matrix asks of single operations, and what goes wrong then, in words:
// for whoever changes something, to see whether anybody notices (mutants.mjs).
//
//	for await (const fault of faults(m, operations)) …
import { elsewhere } from './capabilities.mjs';
import { idFields } from './matrix.mjs';
import { crowds } from './tenants.mjs';

/* Enough for what a statement without an account shows. */
const callers = ['viewer\'s token', 'member\'s token', 'owner\'s token',
	'admin\'s cookie'];

const others = ['sibling', 'twin'];

const yes = (cell) => cell === 'yes';

/** Of an operation: whom, how, whose state must stay as it was (null: of none;
 * undefined: of all), and what is held meanwhile. */
const questions = {
	foreign: (m, o) => ({ list: m.whom(yes, callers, [o]),
		ask: (one) => m.foreignAreMissing(one) }),
	fields: (m, o) => ({ list: idFields(o).length > 0
		? m.whom(yes, callers, [o]) : [],
	ask: (one) => m.foreignFieldsAreMissing(one) }),
	hidden: (m, o) => ({ list: o.params.length > 0 || o.method === 'GET'
		? elsewhere.map((name) => [name, o]) : [],
	ask: (one) => m.oursIsHidden(one) }),
	lists: (m, o) => ({ places: null,
		list: m.whom(yes, ['owner\'s token', 'member\'s token',
			...o.params.at(-1) === 'id' ? ['admin\'s cookie'] : []], [o]),
		ask: ([name]) => m.othersChangeNothing(name, [o]) }),
	crowd: (m, o) => ({ places: null,
		list: crowds[o.name] ? m.whom(yes, ['member\'s token',
			'owner\'s token'], [o]) : [],
		ask: (one) => m.othersAreNoCrowd(one) }),
	use: (m, o) => ({ places: others,
		list: m.whom((cell) => yes(cell) || cell === 'me', callers, [o]),
		ask: (one) => m.comesIn(one, true) }),
	held: (m, o) => ({ places: null,
		list: o.method === 'GET' ? []
			: m.whom(yes, ['owner\'s token', 'admin\'s cookie'], [o]),
		ask: (one) => m.waitsForNobody(one),
		within: (work) => m.whileOthersAreHeld(work) }),
};

const changed = (a, b) => Object.keys(a).filter((table) =>
	a[table] !== b[table]);

/* What is another with each run says nothing. */
const gist = ({ message }) => message
	.replace(/\d{4}-\d\d-\d\d[T ][\d:.]+(Z|\+\d\d:\d\d)?/g, '#')
	.replace(/[0-9a-f-]{8,}|\b[a-z]{3}_\d+|cid_[\w-]+|\d{3,}/g, '#')
	.replace(/(id":|\/)\d+/g, '$1#');

/** One at a time: an account has a share of some responders. */
async function askAll({ list, ask, within = (work) => work() }) {
	const found = [];
	await within(async () => {
		for (const one of list)
			await ask(one).catch((error) =>
				found.push(`${one[0]}: ${gist(error)}`));
	});
	return found;
}

/** What goes wrong with some operations, and how, in the order of asking:
 * [in words, operation]. */
export async function* faults(m, operations) {
	for (const o of operations) {
		await m.furnish([o]);
		for (const [name, of] of Object.entries(questions)) {
			const q = of(m, o);
			if (q.list.length === 0)
				continue;
			const was = q.places === null ? {} : await m.state(q.places);
			for (const found of await askAll(q))
				yield [`${o.name}: ${name} ${found}`, o];
			const is = q.places === null ? {} : await m.state(q.places);
			for (const table of changed(was, is))
				yield [`${o.name}: ${name} changed ${table}`, o];
		}
	}
}

/** The first of them that is none of these: [in words, operation]; undefined:
 * there is none. */
export async function firstFault(m, operations, known = new Set()) {
	for await (const fault of faults(m, operations))
		if (!known.has(fault[0]))
			return fault;
	return undefined;
}

/** All of them, in two runs: not each tells everything. */
export async function allFaults(m, operations) {
	const found = new Set();
	for (let run = 0; run < 2; run++)
		for await (const [fault] of faults(m, operations))
			found.add(fault);
	return found;
}
