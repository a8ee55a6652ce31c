# man: a page for each program, one for the configuration, which a program
# prints from the rows that the reader obeys.

noinst_PROGRAMS += %D%/conf-page
%C%_conf_page_LDADD = $(core_libs)

man_MANS += %D%/letterrack.conf.5
CLEANFILES += %D%/letterrack.conf.5
%D%/letterrack.conf.5: %D%/conf-page$(EXEEXT)
	$(AM_V_GEN)%D%/conf-page$(EXEEXT) >$@.new && mv $@.new $@
