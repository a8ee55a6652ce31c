/* Labels: what a team calls its threads. Seven of them every account has; these
 * cannot be renamed or deleted. Which labels a thread has stands in its row. */
#ifndef DOMAIN_LABEL_H
#define DOMAIN_LABEL_H

#include <stdbool.h>
#include <stdint.h>

#include "db/row.h"

#define LABEL_NAME_MOST 50
#define LABELS_MOST     100 /* that an account makes */
#define LABELS_ON_MOST  20  /* on a thread */
#define LABEL_COLOR     "#6B7280"

struct label {
	int64_t id;
	const char *name;
	const char *color;
	const char *description;
	int32_t display_order;
	bool is_system;
	bool is_system_label; /* the same: the document has both names */
	instant created_at;
	instant updated_at;
};
extern const struct col label_cols[];

struct label_stat {
	int64_t label_id;
	const char *label_name;
	int64_t thread_count;
	const char *color;
	bool is_system;
};
extern const struct col label_stat_cols[];

/* "#RRGGBB", or a name that CSS knows. */
bool label_color_is(const char *);

#endif
