// SPDX-License-Identifier: Apache-2.0
#include "served_model.hpp"

#include <exception>
#include <utility>

namespace offramp_serve {

void model_registry::add(const std::string& name, loader load) {
  std::shared_ptr<const served_model> model = load();
  const std::scoped_lock lock(mutex_);
  entries_.push_back({name, std::move(load), std::move(model)});
}

std::shared_ptr<const served_model> model_registry::find(const std::string& name) const {
  const std::scoped_lock lock(mutex_);
  for (const entry& each : entries_) {
    if (name.empty() || each.name == name) {
      return each.model;
    }
  }
  return nullptr;
}

std::vector<std::shared_ptr<const served_model>> model_registry::all() const {
  const std::scoped_lock lock(mutex_);
  std::vector<std::shared_ptr<const served_model>> models;
  for (const entry& each : entries_) {
    models.push_back(each.model);
  }
  return models;
}

std::vector<std::string> model_registry::reload() {
  std::vector<loader> loaders;
  {
    const std::scoped_lock lock(mutex_);
    for (const entry& each : entries_) {
      loaders.push_back(each.load);
    }
  }
  std::vector<std::string> failures;
  for (std::size_t i = 0; i < loaders.size(); ++i) {
    try {
      std::shared_ptr<const served_model> fresh = loaders[i]();  // requests go on meanwhile
      const std::scoped_lock lock(mutex_);
      entries_[i].model = std::move(fresh);
    } catch (const std::exception& problem) {
      failures.emplace_back(problem.what());
    }
  }
  return failures;
}

}  // namespace offramp_serve
