// SPDX-License-Identifier: Apache-2.0
// Adding exits to a checkpoint: the same text as the headers.
#include <offramp/detail/study/data_description.hpp>
#include <offramp/detail/study/fit.hpp>
#include <offramp/detail/study/head_fit.hpp>
