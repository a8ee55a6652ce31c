// Rounds and dice of tests that do the same over and over: as many, and as they
// fall, as the environment says (LETTERRACK_ROUNDS, _SEED, _FROM, _SECONDS and
// _TALLY, as in tests/crash/crash.h).
import { writeFileSync } from 'node:fs';

const env = process.env;

/** Numbers of rounds, as many as the environment allows. */
export function* rounds(usual) {
	const from = Number(env.LETTERRACK_FROM ?? 0);
	const end = from + Number(env.LETTERRACK_ROUNDS ?? usual);
	const until = env.LETTERRACK_SECONDS
		? Date.now() + env.LETTERRACK_SECONDS * 1000 : Infinity;
	for (let n = from; ; n++) {
		if (env.LETTERRACK_TALLY)
			writeFileSync(env.LETTERRACK_TALLY, `${n}\n`);
		if (n >= end || Date.now() >= until)
			return;
		yield n;
	}
}

export const seed = Number(env.LETTERRACK_SEED ?? Date.now() % 65536);

/** A number below `most`, from seed and round. */
export function roll(n, most) {
	let x = (seed * 2654435761 ^ n * 2246822519) >>> 0;
	x = Math.imul(x ^ x >>> 16, 0x45d9f3b) >>> 0;
	return ((x ^ x >>> 16) >>> 0) % most;
}

/** Rounds in so many lanes at once: `each(n)`; and `look()` each time that `most`
 * of them are over, and at the end, while no lane is under way. */
export async function lanes(usual, { wide, most }, each, look) {
	const all = rounds(usual);
	for (let over = false; !over;) {
		let left = most, some = false;
		const lane = async () => {
			while (left-- > 0 && !over) {
				const { value, done } = all.next();
				if (done) {
					over = true;
					return;
				}
				some = true;
				await each(value);
			}
		};
		const ended = await Promise.allSettled(
			Array.from({ length: wide }, lane));
		for (const { reason } of ended.filter((e) => e.status === 'rejected'))
			throw reason;
		if (some)
			await look();
	}
}
