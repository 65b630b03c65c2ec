// SPDX-License-Identifier: Apache-2.0
#include "http_service.hpp"

#include "client_connection.hpp"
#include "connection_threads.hpp"
#include "page.hpp"

#include <offramp/error.hpp>

#include <httplib.h>

#include <sys/socket.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <exception>
#include <limits>
#include <optional>
#include <stdexcept>
#include <stop_token>
#include <string_view>
#include <thread>
#include <utility>

namespace offramp_serve {

namespace {

constexpr const char* json_type = "application/json";
constexpr int client_has_left = 499;  // as other servers write it into their logs; nobody reads the answer

void answer_error(httplib::Response& response, int status, const std::string& message) {
  response.status = status;
  response.set_content(to_text({{"error", {{"message", message}}}}), json_type);
}

/// Whether two texts are equal, in a time that does not tell where they differ.
bool are_equal(const std::string& a, const std::string& b) {
  unsigned difference = a.size() == b.size() ? 0U : 1U;
  for (std::size_t i = 0; i < a.size(); ++i) {
    difference |= static_cast<unsigned>(static_cast<unsigned char>(a[i]) ^
                                        static_cast<unsigned char>(i < b.size() ? b[i] : '\0'));
  }
  return difference == 0;
}

/// A header of many ranges would make an answer many times as long, in memory. The request that handlers get is no
/// constant.
void pass_over_ranges(const httplib::Request& request) { const_cast<httplib::Request&>(request).ranges.clear(); }

/// The methods of a path that the service knows; null for others.
const char* methods_of(const std::string& path) {
  if (path == "/v1/classify") {
    return "POST";
  }
  for (const char* known : {"/", "/v1/models", "/healthz", "/readyz", "/metrics"}) {
    if (path == known) {
      return "GET, HEAD";
    }
  }
  return nullptr;
}

/// Whether something of the request may still be in its connection, where it would be taken for the next one:
/// cpp-httplib answers some errors before it reads the body, reads none of a GET, and takes any line for the last
/// chunk.
bool may_have_left_something(const httplib::Request& request, const httplib::Response& response) {
  constexpr int refused_for_load = 429;
  return (response.status >= 400 && response.status != refused_for_load) || request.has_header("Transfer-Encoding") ||
         (request.method != "POST" && request.has_header("Content-Length"));
}

/// Whether the path is served, but not by the request's method, which the response then says.
bool refuse_method(const httplib::Request& request, httplib::Response& response) {
  // cpp-httplib refuses methods that it does not know before it takes the path from the target.
  const std::string path = request.path.empty() ? request.target.substr(0, request.target.find('?')) : request.path;
  const char* methods = methods_of(path);
  if (methods == nullptr || std::string_view(methods).find(request.method) != std::string_view::npos) {
    return false;
  }
  response.set_header("Allow", methods);
  answer_error(response, 405, "the method is " + request.method + ", expected " + methods);
  return true;
}

/// Whether nothing serves the request, which the response then says. To be asked before cpp-httplib reads a body that
/// nobody wants.
bool refuse_unknown(const httplib::Request& request, httplib::Response& response) {
  if (methods_of(request.path) == nullptr) {
    answer_error(response, 404, "there is nothing at this path");
    return true;
  }
  return refuse_method(request, response);
}

/// Whether a proxy may see another end of the body than cpp-httplib, or none is there, which the response then says
/// (RFC 9112, section 6.3).
bool refuse_framing(const httplib::Request& request, httplib::Response& response) {
  const std::size_t lengths = request.get_header_value_count("Content-Length");
  const std::size_t encodings = request.get_header_value_count("Transfer-Encoding");
  if (lengths + encodings == 0) {
    answer_error(response, 411, "the body has no length, expected Content-Length or chunks");
    return true;
  }
  const std::string length = request.get_header_value("Content-Length");
  const bool is_number = !length.empty() && length.find_first_not_of("0123456789") == std::string::npos;
  const bool is_chunked = request.get_header_value("Transfer-Encoding") == "chunked";
  if (lengths + encodings > 1 || (lengths == 1 ? !is_number : !is_chunked)) {
    answer_error(response, 400, "the body's length is ambiguous, expected one Content-Length, a number, or chunks");
    return true;
  }
  return false;
}

std::string explain_size(std::size_t most) {
  return "the body is too large, expected at most " + std::to_string(most) + " bytes";
}

/// The body of a request; nothing where it could not be read, of which the response then says why. cpp-httplib bounds
/// the length that a request declares; here what comes is bounded, in chunks or unpacked.
std::optional<std::string> read_body(const httplib::Request& request, httplib::Response& response,
                                     const httplib::ContentReader& read, std::size_t most) {
  if (request.is_multipart_form_data()) {
    answer_error(response, 415, std::string("the body is multipart/form-data, expected ") + json_type);
    return std::nullopt;
  }
  std::string body;
  bool fits = true;
  const bool is_whole = read([&](const char* bytes, std::size_t count) {
    fits = count <= most - body.size();
    if (fits) {
      body.append(bytes, count);
    }
    return fits;
  });
  if (is_whole) {
    return body;
  }
  if (!fits || response.status == 413) {
    answer_error(response, 413, explain_size(most));
  } else if (response.status == 415) {
    answer_error(response, 415,
                 "the body's encoding is " + request.get_header_value("Content-Encoding") +
                     ", expected none or one that this server was built with");
  } else {
    answer_error(response, 400, "the body ends early");
  }
  return std::nullopt;
}

}  // namespace

http_service::http_service(model_registry& models, text_queue& queue, metrics& counts, settings options)
    : models_(models),
      queue_(queue),
      metrics_(counts),
      settings_(std::move(options)),
      server_(std::make_unique<httplib::Server>()) {
  // More would be refused as if they had come at a bad time.
  settings_.requests.texts = std::min(settings_.requests.texts, queue_.bounds().waiting_texts);
  using httplib::Request;
  using httplib::Response;
  server_->new_task_queue = [this] {
    return new connection_threads(settings_.connections, waiting_connections_);  // NOLINT: the server owns it
  };
  server_->set_payload_max_length(settings_.body_bytes);
  server_->set_tcp_nodelay(true);
  server_->set_keep_alive_max_count(std::numeric_limits<int>::max());
  server_->set_post_routing_handler([this](const Request& request, Response& response) { finish(request, response); });
  server_->set_socket_options([this](int socket) {
    // Not SO_REUSEPORT, as cpp-httplib sets it: two services would share a port, and clients get answers of either.
    const int yes = 1;
    setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    listening_socket_ = socket;
  });
  server_->set_pre_routing_handler([this](const Request& request, Response& response) {
    pass_over_ranges(request);
    return refuse(request, response) ? httplib::Server::HandlerResponse::Handled
                                     : httplib::Server::HandlerResponse::Unhandled;
  });
  server_->Post("/v1/classify", [this](const Request& request, Response& response, const httplib::ContentReader& read) {
    if (const auto body = read_body(request, response, read, settings_.body_bytes)) {
      classify(request, *body, response);
    }
  });
  server_->Get("/v1/models", [this](const Request&, Response& response) {
    nlohmann::ordered_json all = nlohmann::ordered_json::array();
    for (const auto& model : models_.all()) {
      all.push_back(describe_model(*model));
    }
    response.set_content(to_text({{"models", std::move(all)}}), json_type);
  });
  server_->Get("/healthz", [](const Request&, Response& response) { response.set_content("ok\n", "text/plain"); });
  server_->Get("/readyz", [this](const Request&, Response& response) {
    response.status = is_ready_ ? 200 : 503;
    response.set_content(is_ready_ ? "ready\n" : "stopping\n", "text/plain");
  });
  server_->Get("/metrics", [this](const Request&, Response& response) {
    response.set_content(metrics_.text(models_, queue_), "text/plain; version=0.0.4");
  });
  server_->Get("/", [](const Request&, Response& response) {
    response.set_header("Content-Security-Policy", "default-src 'self' 'unsafe-inline'");
    response.set_content(std::string(page_html), "text/html; charset=utf-8");
  });
  server_->set_error_handler([this](const Request& request, Response& response) {
    pass_over_ranges(request);
    if (response.body.empty() && !refuse_method(request, response)) {
      answer_error(response, response.status,
                   response.status == 413 ? explain_size(settings_.body_bytes) : "the request cannot be served");
    }
  });
  server_->set_exception_handler([](const Request&, Response& response, const std::exception_ptr& problem) {
    try {
      std::rethrow_exception(problem);
    } catch (const std::exception& known) {
      answer_error(response, 500, known.what());
    } catch (...) {
      answer_error(response, 500, "unknown");
    }
  });
}

http_service::~http_service() = default;

bool http_service::may_pass(const httplib::Request& request) const {
  // The page holds no secret, and no browser sends a token before it has the page that asks for it.
  return settings_.token.empty() || request.path == "/" || request.path == "/healthz" || request.path == "/readyz" ||
         are_equal(request.get_header_value("Authorization"), "Bearer " + settings_.token);
}

bool http_service::refuse(const httplib::Request& request, httplib::Response& response) const {
  if (connection_threads::has_ended()) {
    response.status = 400;  // nobody reads it
    return true;
  }
  if (!may_pass(request)) {
    response.set_header("WWW-Authenticate", "Bearer");
    answer_error(response, 401, "the token is missing or another");
    return true;
  }
  return refuse_unknown(request, response) || (request.method == "POST" && refuse_framing(request, response));
}

void http_service::finish(const httplib::Request& request, httplib::Response& response) {
  if (connection_threads::has_ended()) {
    // A body that cannot be written is what makes cpp-httplib close a connection at once.
    response.body.clear();
    response.set_content_provider(1, json_type, [](std::size_t, std::size_t, httplib::DataSink&) { return false; });
    return;
  }
  metrics_.count_request(response.status);  // before it is sent: whoever has an answer finds it counted
  const bool others_have_a_turn = waiting_connections_ > 0;
  if (!others_have_a_turn && !may_have_left_something(request, response)) {
    return;
  }
  response.headers.erase("Connection");
  response.headers.erase("Keep-Alive");
  response.set_header("Connection", "close");
  connection_threads::end();
  // When the answer has been written: cpp-httplib reads on unless the client asked it not to.
  response.content_provider_resource_releaser_ = [client = client_connection(request.remote_addr, request.remote_port),
                                                  most = settings_.body_bytes](bool) mutable { client.end(most); };
}

void http_service::classify(const httplib::Request& request, const std::string& body, httplib::Response& response) {
  try {
    job work = read_request(body, models_, settings_.requests);
    const std::shared_ptr<const served_model> model = work.model;
    std::stop_source stop;
    work.stop = stop.get_token();
    std::optional<std::future<answers>> coming = queue_.submit(std::move(work));
    if (!coming) {
      const double seconds = std::ceil(std::max(1.0, queue_.expected_wait().count()));
      response.set_header("Retry-After", std::to_string(static_cast<long>(seconds)));
      answer_error(response, 429, "too many texts wait");
      return;
    }
    client_connection client(request.remote_addr, request.remote_port);
    constexpr std::chrono::milliseconds between_looks(50);
    while (coming->wait_for(between_looks) != std::future_status::ready) {
      if (client.is_closed()) {
        stop.request_stop();
        answer_error(response, client_has_left, "the client has left");
        return;
      }
    }
    response.set_content(to_text(write_answers(*model, coming->get())), json_type);
  } catch (const request_error& problem) {
    answer_error(response, problem.status(), problem.what());
  } catch (const offramp::error& problem) {
    const bool is_callers = problem.kind() == offramp::error_kind::invalid_argument;
    answer_error(response, is_callers ? 400 : 500, problem.what());
  }
}

int http_service::bind(const std::string& host, int port) {
  const int bound =
      port == 0 ? server_->bind_to_any_port(host.c_str()) : (server_->bind_to_port(host.c_str(), port) ? port : -1);
  if (bound < 0) {
    throw std::runtime_error(host + ", port " + std::to_string(port) + ": cannot be listened on");
  }
  // cpp-httplib lets 5 connections wait to be accepted: the others of a burst would try again after a second.
  listen(listening_socket_, settings_.connections);
  return bound;
}

void http_service::run() {
  server_->listen_after_bind();
  has_ended_ = true;
}

void http_service::stop() {
  is_ready_ = false;
  while (!server_->is_running() && !has_ended_) {  // cpp-httplib passes over a stop before it listens
    std::this_thread::yield();
  }
  server_->stop();
}

}  // namespace offramp_serve
