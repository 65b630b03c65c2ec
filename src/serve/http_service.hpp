// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "metrics.hpp"
#include "request_json.hpp"
#include "served_model.hpp"
#include "text_queue.hpp"

#include <atomic>
#include <memory>
#include <string>

namespace httplib {
class Server;
struct Request;
struct Response;
}  // namespace httplib

namespace offramp_serve {

/// Classification over HTTP:
///
///     POST /v1/classify   request_json.hpp says what goes in and comes out
///     GET  /v1/models     the models, their labels, exits and policies
///     GET  /healthz       200 while the process runs
///     GET  /readyz        200 while requests are taken, else 503
///     GET  /metrics       for Prometheus
///     GET  /              a page to try it
///
/// Errors are {"error": {"message": ...}}; 429 has Retry-After, in seconds. With a token, all but /healthz and /readyz
/// want "Authorization: Bearer <token>".
class http_service {
 public:
  struct settings {
    std::string token = {};              ///< empty: none is wanted
    std::size_t body_bytes = 4U << 20U;  ///< largest body of a request, unpacked
    int connections = 1024;              ///< served at a time; each has a thread that waits for its answer
    request_limits requests = {};
  };

  http_service(model_registry& models, text_queue& queue, metrics& counts, settings options);
  ~http_service();
  http_service(const http_service&) = delete;
  http_service& operator=(const http_service&) = delete;

  /// Binds to `port`, or to a free one for 0, and returns it. Throws std::runtime_error where that cannot be.
  int bind(const std::string& host, int port);
  /// Serves until stop(); requests that have begun are answered before it returns.
  void run();
  /// From any other thread than that of run(), which it waits for to begin: takes no more connections, says so at
  /// /readyz, and makes run() return.
  void stop();

 private:
  void classify(const httplib::Request& request, const std::string& body, httplib::Response& response);
  /// Whether it goes no further, which the response then says.
  [[nodiscard]] bool refuse(const httplib::Request& request, httplib::Response& response) const;
  /// Counts an answer, and says whether its connection ends with it.
  void finish(const httplib::Request& request, httplib::Response& response);
  [[nodiscard]] bool may_pass(const httplib::Request& request) const;

  model_registry& models_;
  text_queue& queue_;
  metrics& metrics_;
  settings settings_;
  std::atomic<bool> is_ready_{true};
  std::atomic<bool> has_ended_{false};
  std::atomic<std::size_t> waiting_connections_{0};
  int listening_socket_ = -1;  // the server's
  std::unique_ptr<httplib::Server> server_;
};

}  // namespace offramp_serve
