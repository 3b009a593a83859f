/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A library that is loaded when it is wanted: a host without it can still run everything else. The
 * functions that are used of it are listed once, and have the types of its own header.
 */
#ifndef UW_LIBRARY_H
#define UW_LIBRARY_H

#include <dlfcn.h>
#include <stddef.h>

#define UW_LIBRARY_MEMBER(name) typeof(name) *name;
#define UW_LIBRARY_FIND(name)                                                                      \
	*(void **)&lib->name = dlsym(handle, #name);                                               \
	whole = whole && lib->name;

/**
 * UW_LIBRARY - struct library, with a pointer to each function, and load_library() to fill it in.
 * @FUNCTIONS: X(name) for each.
 *
 * load_library() returns what dlclose() takes, or NULL if the library or one of its functions is not there.
 */
#define UW_LIBRARY(FUNCTIONS)                                                                      \
	struct library {                                                                           \
		FUNCTIONS(UW_LIBRARY_MEMBER)                                                       \
	};                                                                                         \
                                                                                                   \
	static void *load_library(const char *file, struct library *lib)                           \
	{                                                                                          \
		void *handle = dlopen(file, RTLD_NOW | RTLD_LOCAL);                                \
		_Bool whole = handle != NULL;                                                      \
                                                                                                   \
		if (!whole)                                                                        \
			return NULL;                                                               \
		FUNCTIONS(UW_LIBRARY_FIND)                                                         \
		if (whole)                                                                         \
			return handle;                                                             \
		dlclose(handle);                                                                   \
		return NULL;                                                                       \
	}

#endif
