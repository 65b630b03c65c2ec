// SPDX-License-Identifier: Apache-2.0
// The compiled library: the same text as the headers, behind a public interface that shows no third-party type.
#include <offramp/classifier.hpp>
#include <offramp/classifier/members.hpp>
#include <offramp/classifier/tokenizer_members.hpp>
#include <offramp/detail/usable_threads.hpp>
#include <offramp/exits/drift_audit.hpp>
#include <offramp/text/tokenizer_members.hpp>
