// SPDX-License-Identifier: Apache-2.0
#include "policy_text.hpp"

#include <cmath>
#include <sstream>

namespace offramp_cli {

std::string rule_name(offramp::exit_policy::rule rule) {
  using enum offramp::exit_policy::rule;
  switch (rule) {
    case confidence:
      return "confidence";
    case declining:
      return "declining";
    case per_exit:
      return "per-exit";
    case per_class:
      return "per-class";
    case entropy:
      return "entropy";
    case normalized_entropy:
      return "normalized-entropy";
    case margin:
      return "margin";
    case patience:
      return "patience";
    case patience_entropy:
      return "patience-entropy";
    case learned:
      return "learned";
  }
  return "unknown";
}

std::string describe(const offramp::exit_policy& policy) {
  using enum offramp::exit_policy::rule;
  std::ostringstream text;
  switch (policy.rule_kind()) {
    case confidence:
      if (std::isinf(policy.threshold()) && policy.threshold() > 0) {
        text << "full depth";
        break;
      }
      [[fallthrough]];
    case margin:
      text << rule_name(policy.rule_kind()) << " >= " << policy.threshold();
      break;
    case declining:
      text << "confidence >= " << policy.threshold() << ", " << policy.decline() << " less at each further exit";
      break;
    case entropy:
      text << "entropy < " << policy.threshold();
      break;
    case normalized_entropy:
      text << "normalized-entropy <= " << policy.threshold();
      break;
    case patience:
      text << "patience " << policy.patience_count();
      break;
    case patience_entropy:
      text << "normalized-entropy < " << policy.threshold() << " at " << policy.patience_count() << " exits in a row";
      break;
    case learned:
      text << "learned gate < " << policy.threshold();
      break;
    case per_exit: {
      const char* separator = "confidence by exit >= ";
      for (const float threshold : policy.thresholds().front()) {
        text << separator << threshold;
        separator = ", ";
      }
      break;
    }
    case per_class:
      text << "confidence, one threshold per exit and label";
      break;
  }
  if (policy.max_layer()) {
    text << ", no deeper than layer " << *policy.max_layer();
  }
  return text.str();
}

}  // namespace offramp_cli
