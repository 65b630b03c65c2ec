// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "policy_range.hpp"

#include <offramp/call_meter.hpp>
#include <offramp/classifier.hpp>

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace offramp_serve {

/// A model as requests see it. Immutable; whoever holds it keeps it alive.
struct served_model {
  std::string name;
  offramp::classifier classifier;
  policy_range policies;
  offramp::call_meter meter;  // of its calls
};

/// The models by name. Safe from any number of threads.
class model_registry {
 public:
  using loader = std::function<std::shared_ptr<const served_model>()>;

  /// Loads a model at once; `load` is called again at each reload. Throws what it throws.
  void add(const std::string& name, loader load);

  /// Null where there is no such name. The empty name means the first model.
  [[nodiscard]] std::shared_ptr<const served_model> find(const std::string& name) const;
  /// In the order they were added.
  [[nodiscard]] std::vector<std::shared_ptr<const served_model>> all() const;

  /// Loads every model anew and puts it in the place of the old one, whose requests end with that. A model that cannot
  /// be loaded stays as it was; the messages say why.
  [[nodiscard]] std::vector<std::string> reload();

 private:
  struct entry {
    std::string name;
    loader load;
    std::shared_ptr<const served_model> model;
  };

  mutable std::mutex mutex_;
  std::vector<entry> entries_;  // guarded by the mutex
};

}  // namespace offramp_serve
