// Figures: rounds that alternate, medians, the CPU time of a part.
import { readFileSync } from 'node:fs';

export const median = (list) => {
	const sorted = [...list].sort((a, b) => a - b);
	const half = sorted.length >> 1;
	return sorted.length % 2 === 1
		? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
};

/**
 * Runs each of `takers` ({ name: async () => number or object }) once a round,
 * so that whatever disturbs the machine disturbs all of them alike; the first
 * round warms up and does not count. Gives { name: [a result a round] }.
 */
export async function rounds(count, takers) {
	const results = {};
	for (let round = 0; round <= count; round++) {
		for (const [name, take] of Object.entries(takers)) {
			const result = await take();
			if (round > 0)
				(results[name] ??= []).push(result);
		}
	}
	return results;
}

/** The median of what `a` is to `b` in each round. */
export const ratio = (a, b) => median(a.map((value, i) => value / b[i]));

/** A program that was built for the figures alone. */
export function made(house, name) {
	return `${house.prefix.replace(/\/root$/, '')}/bench/${name}`;
}

function children(pid) {
	try {
		return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
			.split(' ').filter(Boolean).map(Number);
	} catch {
		return [];
	}
}

/** A process and all below it. */
export function family(pid) {
	return [pid, ...children(pid).flatMap(family)];
}

/** The process of a part of the house. */
export function partPid(house, part) {
	return Number(readFileSync(`${house.state}/pid/${part}`, 'utf8')
		.split(' ')[0]);
}

/** CPU time that processes have used, in microseconds. */
export function cpuTime(pids) {
	let sum = 0;
	for (const pid of pids) {
		try {
			sum += Number(readFileSync(`/proc/${pid}/schedstat`,
				'utf8').split(' ')[0]) / 1000;
		} catch {
			// it has ended
		}
	}
	return sum;
}

/** A row of /proc/PID/smaps_rollup or status, in kB. */
export function memory(pid, file, row) {
	const text = readFileSync(`/proc/${pid}/${file}`, 'utf8');
	return Number(new RegExp(`^${row}:\\s+(\\d+) kB`, 'm').exec(text)[1]);
}

export function commandLine(pid) {
	try {
		return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
			.split('\0');
	} catch {
		return [''];
	}
}

/** Waits, at most ten seconds, until something is so. */
export async function until(what, is) {
	for (const end = Date.now() + 10000; Date.now() < end;) {
		if (await is())
			return;
		await new Promise((resolve) => setTimeout(resolve, 20));
	}
	throw new Error(`in vain: ${what}`);
}

/** CPU time of a process's children that have ended, in microseconds. */
export function cpuOfEnded(pid) {
	const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
	const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
	return (Number(fields[13]) + Number(fields[14])) * 10_000;
}

/** The processes that answer for a family of endpoints. */
export function responders(house, name) {
	return family(partPid(house, 'serve')).filter((pid) =>
		commandLine(pid)[0].endsWith(`/${name}`));
}

/**
 * CPU time a request of each part that works for a family, in microseconds:
 * `take` makes of a load one that gives it, `sum` adds the parts up, and `spent`
 * tells of them.
 */
export function spending(house, name, php) {
	const groups = {
		PostgreSQL: () => cpuTime(family(partPid(house, 'postgres')))
			+ cpuOfEnded(partPid(house, 'postgres')),
		responder: () => cpuTime(responders(house, name)),
		nginx: () => cpuTime(family(partPid(house, 'nginx'))),
		PHP: () => php ? cpuTime(family(php.pid)) : 0,
		load: () => cpuOfEnded(process.pid),
	};
	return {
		take: (load) => async () => {
			const before = Object.values(groups).map((time) => time());
			const { requests } = await load();
			return Object.values(groups).map((time, i) =>
				(time() - before[i]) / requests);
		},
		sum: (list) => list.map((used) => used.reduce((a, b) => a + b)),
		spent: (list) => Object.keys(groups).map((part, i) =>
			[part, Math.round(median(list.map((used) => used[i])))])
			.filter(([, time]) => time > 0)
			.map(([part, time]) => `${part} ${time}`).join(', '),
	};
}
