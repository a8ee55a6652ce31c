# man: a page for each program, an overview, and one for the configuration,
# which a program prints from the rows that the reader obeys.

dist_man_MANS = \
	%D%/letterrack.7 \
	%D%/letterrack-responder.8 \
	%D%/letterrack-smtpd.8 \
	%D%/letterrack-sync.8 \
	%D%/letterrack-watch.8 \
	%D%/letterrackctl.8

noinst_PROGRAMS += %D%/conf-page
%C%_conf_page_LDADD = $(core_libs)

man_MANS += %D%/letterrack.conf.5
CLEANFILES += %D%/letterrack.conf.5 %D%/letterrack.conf.example
%D%/letterrack.conf.5: %D%/conf-page$(EXEEXT)
	$(AM_V_GEN)%D%/conf-page$(EXEEXT) >$@.new && mv $@.new $@

exampledir = $(datadir)/letterrack
nodist_example_DATA = %D%/letterrack.conf.example
%D%/letterrack.conf.example: %D%/conf-page$(EXEEXT)
	$(AM_V_GEN)%D%/conf-page$(EXEEXT) --example >$@.new && mv $@.new $@
