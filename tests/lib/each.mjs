// Many cases at once, whose faults are told together.
const FLIGHT = 12;
const SHOWN = 20;

/** Calls `work` for each of a list, some at a time; then throws what they
 * threw. */
export async function each(list, work) {
	const faults = [];
	const left = list[Symbol.iterator]();
	await Promise.all(Array.from({ length: FLIGHT }, async () => {
		for (const one of left)
			try {
				await work(one);
			} catch (error) {
				faults.push(error);
			}
	}));
	if (faults.length > 1)
		throw new Error(`${faults.length} cases, such as:\n` + faults
			.slice(0, SHOWN).map((e) => e.message.replace(/\s*\n\s*/g, ' '))
			.join('\n'));
	if (faults.length > 0)
		throw faults[0];
}
