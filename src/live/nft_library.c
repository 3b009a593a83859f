// SPDX-License-Identifier: GPL-2.0-only
#include "live/nft_library.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <nftables/libnftables.h>

#include "library.h"

#define ERROR_MAX 200

/* What we use of it, by the header's own prototypes. */
#define FUNCTIONS(X)                                                                               \
	X(nft_ctx_new)                                                                             \
	X(nft_ctx_free)                                                                            \
	X(nft_ctx_output_set_flags)                                                                \
	X(nft_ctx_buffer_output)                                                                   \
	X(nft_ctx_get_output_buffer)                                                               \
	X(nft_ctx_buffer_error)                                                                    \
	X(nft_ctx_get_error_buffer)                                                                \
	X(nft_run_cmd_from_buffer)

UW_LIBRARY(FUNCTIONS)

struct uw_nft {
	void *handle;
	struct library lib;
	struct nft_ctx *ctx;
	char error[ERROR_MAX];
};

struct uw_nft *uw_nft_new(void)
{
	struct uw_nft *n = calloc(1, sizeof(*n));

	if (!n)
		return NULL;
	n->handle = load_library("libnftables.so.1", &n->lib);
	if (n->handle)
		n->ctx = n->lib.nft_ctx_new(NFT_CTX_DEFAULT);
	if (!n->ctx || n->lib.nft_ctx_buffer_output(n->ctx) || n->lib.nft_ctx_buffer_error(n->ctx)) {
		uw_nft_free(n);
		return NULL;
	}
	/* Rules with their handles, without counts and without the elements of named sets. */
	n->lib.nft_ctx_output_set_flags(n->ctx, NFT_CTX_OUTPUT_HANDLE | NFT_CTX_OUTPUT_STATELESS |
							NFT_CTX_OUTPUT_TERSE);
	return n;
}

void uw_nft_free(struct uw_nft *n)
{
	if (!n)
		return;
	if (n->ctx)
		n->lib.nft_ctx_free(n->ctx);
	if (n->handle)
		dlclose(n->handle);
	free(n);
}

const char *uw_nft_run(struct uw_nft *n, const char *commands)
{
	int err = n->lib.nft_run_cmd_from_buffer(n->ctx, commands);
	const char *said = n->lib.nft_ctx_get_error_buffer(n->ctx), *out;

	snprintf(n->error, sizeof(n->error), "%.*s", said ? (int)strcspn(said, "\n") : 0, said ? said : "");
	out = n->lib.nft_ctx_get_output_buffer(n->ctx);
	if (err)
		return NULL;
	return out ? out : "";
}

const char *uw_nft_error(struct uw_nft *n)
{
	return n->error;
}
