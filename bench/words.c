#include "words.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const char *const latin_words[] = { "the", "order", "invoice", "payment",
	"urgent", "delivery", "please", "answer", "question", "customer",
	"meeting", "tomorrow", "contract", "number", "address", "account",
	"parcel", "refund", "return", "warranty", "offer", "price", "and",
	"with", "for", "about", "before", "after", "thanks", "regards",
	"project", "report", "quarter", "budget", "ticket", "login", "password",
	"server", "update", "release", "problem", "solution", "team", "office",
	"printer", "paper", "signature", "deadline", "reminder", "schedule",
	"train", "hotel", "booking", "confirm", "cancel", "change", "missing",
	"broken", "replacement", "spare", "letter", "rack", "shelf", "drawer" };
static const char *const latin_names[] = { "Anna Berg", "Jonas Keller",
	"Maria Lopez", "Peter O'Neil", "Sven \"Bo\" Lund", "Lucy Brown",
	"Chen, Wei", "Tom Fisher" };

static const char *const accented_words[] = { "Rechnung", "für", "Größe",
	"Übersicht", "schön", "Straße", "März", "später", "Lösung", "crème",
	"façade", "déjà", "reçu", "élève", "où", "señor", "mañana", "niño",
	"corazón", "år", "smörgås", "blåbær", "øl", "Grüße" };
static const char *const accented_names[] = { "Jürgen Müller", "Zoë Désirée",
	"Søren Ærø", "Íñigo Muñoz" };

static const char *const greek_words[] = { "καλημέρα", "παραγγελία", "πληρωμή",
	"ερώτηση", "απάντηση", "λογαριασμός", "αύριο", "συνάντηση", "έργο",
	"γράμμα", "ευχαριστώ", "διεύθυνση" };
static const char *const greek_names[] = { "Ελένη Παππά", "Γιώργος Νικολάου",
	"Δήμητρα Αλεξίου" };

static const char *const cyrillic_words[] = { "здравствуйте", "заказ", "счёт",
	"оплата", "вопрос", "ответ", "завтра", "встреча", "письмо", "адрес",
	"договор", "спасибо", "срочно", "доставка", "номер" };
static const char *const cyrillic_names[] = { "Ольга Смирнова", "Иван Петров",
	"Дмитрий Ёлкин" };

static const char *const hebrew_words[] = { "שלום", "הזמנה", "תשלום", "חשבונית",
	"שאלה", "תשובה", "מחר", "פגישה", "מכתב", "כתובת", "תודה", "דחוף" };
static const char *const hebrew_names[] = { "דוד כהן", "רחל לוי" };

static const char *const japanese_words[] = { "注文", "請求書", "支払い",
	"質問", "返事", "明日", "会議", "手紙", "住所", "お客様", "至急",
	"ありがとう", "よろしく", "の", "を", "に", "は", "が", "メール" };
static const char *const japanese_names[] = { "山田 太郎", "佐藤 花子" };

static const char *const chinese_words[] = { "订单", "发票", "付款", "问题",
	"回复", "明天", "会议", "信件", "地址", "客户", "紧急", "谢谢", "的",
	"和", "在", "了" };
static const char *const chinese_names[] = { "王小明", "李娜" };

#define TONGUE(charset, name, space, stop)                                     \
	{                                                                      \
		charset, name##_words, COUNT(name##_words), name##_names,      \
		    COUNT(name##_names), space, stop                           \
	}

const struct tongue tongues[] = {
	TONGUE("US-ASCII", latin, " ", ". "),
	TONGUE("ISO-8859-1", accented, " ", ". "),
	TONGUE("ISO-8859-7", greek, " ", ". "),
	TONGUE("KOI8-R", cyrillic, " ", ". "),
	TONGUE("ISO-8859-8", hebrew, " ", ". "),
	TONGUE("ISO-2022-JP", japanese, "", "。"),
	TONGUE("GB18030", chinese, "", "。"),
};
const size_t tongues_count = COUNT(tongues);
