// SPDX-License-Identifier: Apache-2.0
// Policies, stops and threads of the C interface: each function is its namesake of the C++ one.
#include "handles.hpp"

#include <chrono>
#include <span>
#include <vector>

namespace {

using offramp::exit_policy;
using offramp_c::guard;
using offramp_c::require;

/// A handle of the policy that `make` gives.
template <class Make>
offramp_status create(offramp_policy** policy, offramp_error* error, const Make& make) noexcept {
  return guard(error, [&] {
    require(policy, "policy");
    *policy = new offramp_policy{make()};
  });
}

}  // namespace

extern "C" {

offramp_status offramp_policy_create(float threshold, offramp_policy** policy, offramp_error* error) {
  return create(policy, error, [&] { return exit_policy(threshold); });
}

offramp_status offramp_policy_create_full_depth(offramp_policy** policy, offramp_error* error) {
  return create(policy, error, [] { return exit_policy::full_depth(); });
}

offramp_status offramp_policy_create_declining(float threshold, float decline, offramp_policy** policy,
                                               offramp_error* error) {
  return create(policy, error, [&] { return exit_policy::declining(threshold, decline); });
}

offramp_status offramp_policy_create_per_exit(const float* thresholds, size_t num_exits, offramp_policy** policy,
                                              offramp_error* error) {
  return create(policy, error, [&] {
    require(thresholds, "thresholds");
    return exit_policy::per_exit({thresholds, thresholds + num_exits});
  });
}

offramp_status offramp_policy_create_per_class(const float* thresholds, size_t num_exits, size_t num_labels,
                                               offramp_policy** policy, offramp_error* error) {
  return create(policy, error, [&] {
    require(thresholds, "thresholds");
    std::vector<std::vector<float>> rows;
    for (std::size_t exit = 0; exit < num_exits; ++exit) {
      const float* const row = thresholds + exit * num_labels;
      rows.emplace_back(row, row + num_labels);
    }
    return exit_policy::per_class(std::move(rows));
  });
}

offramp_status offramp_policy_create_entropy(float threshold, offramp_policy** policy, offramp_error* error) {
  return create(policy, error, [&] { return exit_policy::entropy(threshold); });
}

offramp_status offramp_policy_create_normalized_entropy(float threshold, offramp_policy** policy,
                                                        offramp_error* error) {
  return create(policy, error, [&] { return exit_policy::normalized_entropy(threshold); });
}

offramp_status offramp_policy_create_margin(float threshold, offramp_policy** policy, offramp_error* error) {
  return create(policy, error, [&] { return exit_policy::margin(threshold); });
}

offramp_status offramp_policy_create_patience(int count, offramp_policy** policy, offramp_error* error) {
  return create(policy, error, [&] { return exit_policy::patience(count); });
}

offramp_status offramp_policy_create_patience_entropy(float threshold, int count, offramp_policy** policy,
                                                      offramp_error* error) {
  return create(policy, error, [&] { return exit_policy::patience_entropy(threshold, count); });
}

offramp_status offramp_policy_create_learned(float threshold, offramp_policy** policy, offramp_error* error) {
  return create(policy, error, [&] { return exit_policy::learned(threshold); });
}

offramp_status offramp_policy_create_default(const offramp_classifier* model, offramp_policy** policy,
                                             offramp_error* error) {
  return create(policy, error, [&] {
    require(model, "model");
    return model->model.default_policy();
  });
}

offramp_status offramp_certified(const offramp_classifier* model, double epsilon, offramp_loss loss,
                                 offramp_policy** policy, offramp_error* error) {
  return guard(error, [&] {
    require(model, "model");
    require(policy, "policy");
    const std::optional<exit_policy> certified =
        model->model.certified(epsilon, static_cast<offramp::certified_loss>(loss));
    *policy = certified ? new offramp_policy{*certified} : nullptr;
  });
}

void offramp_policy_set_max_layer(offramp_policy* policy, int layer) {
  policy->policy = policy->policy.with_max_layer(layer);
}

void offramp_policy_set_deadline(offramp_policy* policy, int64_t nanoseconds) {
  policy->policy = policy->policy.with_deadline(exit_policy::time_point(
      std::chrono::duration_cast<exit_policy::time_point::duration>(std::chrono::nanoseconds(nanoseconds))));
}

void offramp_policy_set_stop(offramp_policy* policy, const offramp_stop* stop) {
  policy->policy = policy->policy.with_stop_token(stop->source.get_token());
}

offramp_status offramp_policy_start_statistics(offramp_policy* policy, offramp_error* error) {
  return guard(error, [&] {
    require(policy, "policy");
    policy->meter.emplace();
    policy->policy = policy->policy.metered_by(*policy->meter);
  });
}

offramp_statistics offramp_policy_statistics(const offramp_policy* policy) {
  if (!policy->meter) {
    return {};
  }
  const offramp::call_statistics sum = policy->meter->statistics();
  return {
      sum.texts, sum.tokens, sum.token_layers, sum.tokenizing.count(), sum.encoding.count(), sum.classifying.count()};
}

void offramp_policy_free(offramp_policy* policy) { delete policy; }

offramp_status offramp_stop_create(offramp_stop** stop, offramp_error* error) {
  return guard(error, [&] {
    require(stop, "stop");
    *stop = new offramp_stop;
  });
}

void offramp_stop_request(offramp_stop* stop) { stop->source.request_stop(); }

void offramp_stop_free(offramp_stop* stop) { delete stop; }

offramp_status offramp_thread_pool_create(int threads, offramp_thread_pool** pool, offramp_error* error) {
  return guard(error, [&] {
    require(pool, "pool");
    *pool = new offramp_thread_pool{offramp::thread_pool(threads)};
  });
}

offramp_threads offramp_thread_pool_lend(offramp_thread_pool* pool) {
  const auto run = [](void* state, size_t n, void (*body)(void* body_state, size_t index), void* body_state) {
    static_cast<offramp_thread_pool*>(state)->pool.run(n, [=](std::size_t index) { body(body_state, index); });
  };
  return {run, pool, static_cast<int>(pool->pool.lend().width())};
}

void offramp_thread_pool_free(offramp_thread_pool* pool) { delete pool; }

}  // extern "C"
