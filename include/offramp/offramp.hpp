// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/call_meter.hpp>
#include <offramp/certificate.hpp>
#include <offramp/classifier.hpp>
#include <offramp/drift_audit.hpp>
#include <offramp/encoding.hpp>
#include <offramp/error.hpp>
#include <offramp/exit_policy.hpp>
#include <offramp/load_options.hpp>
#include <offramp/names.hpp>
#include <offramp/prediction.hpp>
#include <offramp/runner.hpp>
#include <offramp/sentence_pair.hpp>
#include <offramp/tokenizer.hpp>
#include <offramp/version.hpp>
