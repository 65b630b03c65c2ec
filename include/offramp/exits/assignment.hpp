// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/call_meter.hpp>
#include <offramp/exit_policy.hpp>
#include <offramp/exits/engine_memory.hpp>
#include <offramp/exits/visit_plan.hpp>
#include <offramp/exits/waiting_texts.hpp>

#include <cstddef>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::exits {

/// What an engine is asked to do with texts, besides the texts.
struct assignment {
  const exit_policy& policy;  // was checked against the model
  keep kept = keep::last_visit;
  waiting_texts* waiting = nullptr;       // of the same call, where it has a deadline
  call_statistics* statistics = nullptr;  // what it did, where the policy has a meter
};

/// Called with the index and the outcome of each text as it leaves; may move from the outcome.
class leave_callback {
 public:
  template <class Function>
  explicit leave_callback(const Function& function)
      : function_(&function), call_([](const void* erased, std::size_t index, outcome& outcome) {
          (*static_cast<const Function*>(erased))(index, outcome);
        }) {}

  void operator()(std::size_t index, outcome& outcome) const { call_(function_, index, outcome); }

 private:
  const void* function_;
  void (*call_)(const void* function, std::size_t index, outcome& outcome);
};

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::exits
