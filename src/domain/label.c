#include "domain/label.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

const struct col label_cols[] = {
	COL(struct label, id),
	COL(struct label, name),
	COL(struct label, color),
	COL(struct label, description),
	COL(struct label, display_order),
	COL(struct label, is_system),
	COL(struct label, is_system_label),
	COL(struct label, created_at),
	COL(struct label, updated_at),
	COL_END,
};

const struct col label_stat_cols[] = {
	COL(struct label_stat, label_id),
	COL(struct label_stat, label_name),
	COL(struct label_stat, thread_count),
	COL(struct label_stat, color),
	COL(struct label_stat, is_system),
	COL_END,
};

/* CSS Color Module Level 4, 6.1: sorted. */
static const char *const colors[] = { "aliceblue", "antiquewhite", "aqua",
	"aquamarine", "azure", "beige", "bisque", "black", "blanchedalmond",
	"blue", "blueviolet", "brown", "burlywood", "cadetblue", "chartreuse",
	"chocolate", "coral", "cornflowerblue", "cornsilk", "crimson", "cyan",
	"darkblue", "darkcyan", "darkgoldenrod", "darkgray", "darkgreen",
	"darkgrey", "darkkhaki", "darkmagenta", "darkolivegreen", "darkorange",
	"darkorchid", "darkred", "darksalmon", "darkseagreen", "darkslateblue",
	"darkslategray", "darkslategrey", "darkturquoise", "darkviolet",
	"deeppink", "deepskyblue", "dimgray", "dimgrey", "dodgerblue",
	"firebrick", "floralwhite", "forestgreen", "fuchsia", "gainsboro",
	"ghostwhite", "gold", "goldenrod", "gray", "green", "greenyellow",
	"grey", "honeydew", "hotpink", "indianred", "indigo", "ivory", "khaki",
	"lavender", "lavenderblush", "lawngreen", "lemonchiffon", "lightblue",
	"lightcoral", "lightcyan", "lightgoldenrodyellow", "lightgray",
	"lightgreen", "lightgrey", "lightpink", "lightsalmon", "lightseagreen",
	"lightskyblue", "lightslategray", "lightslategrey", "lightsteelblue",
	"lightyellow", "lime", "limegreen", "linen", "magenta", "maroon",
	"mediumaquamarine", "mediumblue", "mediumorchid", "mediumpurple",
	"mediumseagreen", "mediumslateblue", "mediumspringgreen",
	"mediumturquoise", "mediumvioletred", "midnightblue", "mintcream",
	"mistyrose", "moccasin", "navajowhite", "navy", "oldlace", "olive",
	"olivedrab", "orange", "orangered", "orchid", "palegoldenrod",
	"palegreen", "paleturquoise", "palevioletred", "papayawhip",
	"peachpuff", "peru", "pink", "plum", "powderblue", "purple",
	"rebeccapurple", "red", "rosybrown", "royalblue", "saddlebrown",
	"salmon", "sandybrown", "seagreen", "seashell", "sienna", "silver",
	"skyblue", "slateblue", "slategray", "slategrey", "snow", "springgreen",
	"steelblue", "tan", "teal", "thistle", "tomato", "turquoise", "violet",
	"wheat", "white", "whitesmoke", "yellow", "yellowgreen" };

static int
color_order(const void *a, const void *b)
{
	return strcasecmp(a, *(const char *const *)b);
}

bool
label_color_is(const char *color)
{
	if (color[0] == '#')
		return strlen(color) == 7 &&
		    strspn(color + 1, "0123456789abcdefABCDEF") == 6;
	return bsearch(color, colors, sizeof colors / sizeof *colors,
		   sizeof *colors, color_order) != NULL;
}
