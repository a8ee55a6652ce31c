// The walls between tenants, together and each alone: see matrix.mjs.
import { matrix } from '../lib/matrix.mjs';
import { unscoped } from '../lib/altered.mjs';

matrix('the walls', { least: 4000 });
matrix('the statements, without policies', { policies: false, least: 4000 });
matrix('the policies, behind statements that name no account', {
	prefix: await unscoped(), least: 4000 });
