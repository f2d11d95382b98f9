/* SPDX-License-Identifier: MIT */
#include "unit/world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/clock.h"
#include "net/http.h"

static const char *const files[] = { ".aws/config", ".aws/credentials", "token",
	"helper", "marker" };

struct world world;

static void
render(struct buf *out, const struct http_request *request)
{
	buf_printf(out, "%s %s://", request->method,
	    request->url->tls ? "https" : "http");
	url_authority(request->url, out);
	buf_puts(out, request->url->path);
	buf_putc(out, '\n');
	for (size_t i = 0; i < request->header_count; i++)
		buf_printf(out, "%s: %s\n", request->headers[i].name,
		    request->headers[i].value);
	buf_putc(out, '\n');
	buf_add(out, request->body, request->body_len);
	assert_true(buf_ok(out));
}

static void
check_request(const struct world_step *step, const char *text)
{
	size_t len = strlen(step->start);

	if (strncmp(text, step->start, len) != 0 || text[len] != '\n')
		fail_msg("expected %s, not %s", step->start, text);
	for (size_t i = 0; i < WORLD_TEXTS && step->has[i] != NULL; i++) {
		if (strstr(text, step->has[i]) == NULL)
			fail_msg("no %s in %s", step->has[i], text);
	}
	for (size_t i = 0; i < WORLD_TEXTS && step->lacks[i] != NULL; i++) {
		if (strstr(text, step->lacks[i]) != NULL)
			fail_msg("%s in %s", step->lacks[i], text);
	}
}

static int
give_answer(const struct world_step *step, struct http_msg *answer,
    struct err *err)
{
	const char *body = step->body != NULL ? step->body : "";
	struct buf text = { 0 };
	size_t used = 0;
	int rc;

	buf_printf(&text, "HTTP/1.1 %d X\r\nContent-Length: %zu\r\n\r\n%s",
	    step->status, strlen(body), body);
	rc = http_msg_feed(answer, buf_str(&text), text.len, &used, err);
	buf_free(&text);
	return rc;
}

static int
give_fault(enum world_fault fault, struct err *err)
{
	enum err_kind kind =
	    fault == WORLD_BAD_TLS ? ERR_KIND_TLS : ERR_KIND_CONNECTION;

	err_set(err, kind, "fault %d", (int)fault);
	if (err != NULL) {
		err->retry = fault == WORLD_BAD_TLS ? ERR_FINAL : ERR_TRANSIENT;
		err->timed_out = fault == WORLD_READ_TIME;
		err->ambiguous =
		    fault == WORLD_CLOSED || fault == WORLD_READ_TIME;
	}
	return -1;
}

static int
roundtrip(void *context, const struct http_request *request,
    struct http_msg *answer, struct err *err)
{
	struct world *w = context;
	const struct world_step *step;
	struct buf text = { 0 };

	render(&text, request);
	if (w->step == w->step_count)
		fail_msg("one request too many: %s", buf_str(&text));
	step = &w->steps[w->step++];
	check_request(step, buf_str(&text));
	buf_free(&text);
	/* Only the service's own endpoints may go through a proxy. */
	assert_int_equal(request->no_proxy,
	    !request->url->tls || strcmp(request->method, "POST") != 0);
	assert_true(request->deadline > 0);
	assert_true(request->body_max > 0);
	http_msg_init(answer, request->body_max, false);
	if (step->fault != WORLD_ANSWERS)
		return give_fault(step->fault, err);
	return give_answer(step, answer, err);
}

void
world_make(struct world *w)
{
	char path[128];

	*w = (struct world){ .home = "/tmp/ssm-activate-unit-XXXXXX" };
	assert_non_null(mkdtemp(w->home));
	snprintf(path, sizeof path, "%s/.aws", w->home);
	assert_int_equal(mkdir(path, 0700), 0);
	world_set(w, "HOME=@");
	world_set(w, "PATH=/usr/bin:/bin");
}

static void
close_parts(struct world *w)
{
	cred_plan_free(w->plan);
	conf_free(w->conf);
	w->plan = NULL;
	w->conf = NULL;
	cred_value_free(&w->cred);
	err_clear(&w->err);
}

void
world_free(struct world *w)
{
	char path[128];

	close_parts(w);
	for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
		snprintf(path, sizeof path, "%s/%s", w->home, files[i]);
		(void)unlink(path);
	}
	snprintf(path, sizeof path, "%s/.aws", w->home);
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(rmdir(w->home), 0);
	for (size_t i = 0; i < w->var_count; i++)
		free(w->vars[i]);
	*w = (struct world){ .home = "" };
}

int
world_setup(void **state)
{
	(void)state;
	world_make(&world);
	return 0;
}

int
world_teardown(void **state)
{
	(void)state;
	world_free(&world);
	return 0;
}

void
world_config(struct world *w, const char *text)
{
	world_file(w, ".aws/config", text);
}

void
world_file(struct world *w, const char *name, const char *text)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof path, "%s/%s", w->home, name);
	f = fopen(path, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, strlen(text), f), strlen(text));
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(path, 0700), 0);
}

void
world_set(struct world *w, const char *variable)
{
	size_t name_len = (size_t)(strchr(variable, '=') - variable) + 1;
	struct buf text = { 0 };
	const char *at = strstr(variable, "=@");
	size_t i = 0;

	while (i < w->var_count && strncmp(w->vars[i], variable, name_len) != 0)
		i++;
	assert_true(i < WORLD_VARS);
	if (at == NULL) {
		buf_puts(&text, variable);
	} else {
		buf_add(&text, variable, name_len);
		buf_puts(&text, w->home);
		buf_puts(&text, at + 2);
	}
	free(w->vars[i]);
	w->vars[i] = buf_take(&text);
	assert_non_null(w->vars[i]);
	if (i == w->var_count)
		w->var_count++;
}

int
world_open(struct world *w, const char *profile)
{
	const struct conf_options options = { .env = { w->vars },
		.profile = profile };

	close_parts(w);
	return conf_open(&w->conf, &options, &w->err);
}

int
world_plan(struct world *w, const char *profile)
{
	if (world_open(w, profile) != 0)
		return -1;
	return cred_plan(&w->plan, w->conf, &w->err);
}

void
world_expect(struct world *w, const struct world_step *steps, size_t count)
{
	w->steps = steps;
	w->step_count = count;
	w->step = 0;
	w->api = (struct api){
		.conf = w->conf,
		.transport = { w, roundtrip },
		.region = "us-east-1",
	};
}

void
world_done(const struct world *w)
{
	if (w->step != w->step_count)
		fail_msg("only %zu of %zu requests: %s", w->step, w->step_count,
		    w->err.msg);
}

int
world_fetch(struct world *w, const struct world_step *steps, size_t count)
{
	int rc;

	assert_non_null(w->plan);
	world_expect(w, steps, count);
	rc = cred_fetch(&w->cred, w->plan, &w->api, clock_in(60000), &w->err);
	world_done(w);
	return rc;
}

void
world_failed(const struct world *w, enum err_kind kind, const char *text)
{
	if (w->err.kind != kind)
		fail_msg("%s, not %s: %s", err_kind_name(w->err.kind),
		    err_kind_name(kind), w->err.msg);
	if (strstr(w->err.msg, text) == NULL &&
	    strstr(w->err.fix, text) == NULL)
		fail_msg("no \"%s\" in: %s (%s)", text, w->err.msg, w->err.fix);
}

void
world_planned(struct world *w, const char *profile, const char *method)
{
	if (world_plan(w, profile) != 0)
		fail_msg("%s", w->err.msg);
	assert_string_equal(cred_plan_method(w->plan), method);
}

void
world_got(struct world *w, const struct world_step *steps, size_t count,
    const char *access_key)
{
	if (world_fetch(w, steps, count) != 0)
		fail_msg("%s", w->err.msg);
	assert_string_equal(w->cred.access_key, access_key);
	assert_string_equal(w->cred.method, cred_plan_method(w->plan));
}

void
world_refused(struct world *w, const char *profile, enum err_kind kind,
    const char *text)
{
	assert_int_equal(world_plan(w, profile), -1);
	world_failed(w, kind, text);
}
