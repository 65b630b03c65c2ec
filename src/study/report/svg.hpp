// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "study/number_text.hpp"

#include <offramp/text/unicode/utf8.hpp>
#include <offramp/version.hpp>

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail {

/// Text that may stand between tags and in quoted attributes, of HTML and of XML: whatever neither can hold (ill-formed
/// UTF-8, control characters) becomes U+FFFD.
[[nodiscard]] inline std::string escape_markup(std::string_view given) {
  std::string escaped;
  for (std::size_t position = 0; position < given.size();) {
    const text::decoded next = text::decode(given, position);
    const std::string_view bytes = given.substr(position, next.length);
    position += next.length;
    const bool is_control = (next.code_point < 0x20 && next.code_point != '\t' && next.code_point != '\n') ||
                            (next.code_point >= 0x7F && next.code_point <= 0x9F);
    if (!next.well_formed || is_control || (next.code_point & 0xFFFEU) == 0xFFFEU) {
      escaped += "\xEF\xBF\xBD";
    } else if (bytes == "&") {
      escaped += "&amp;";
    } else if (bytes == "<") {
      escaped += "&lt;";
    } else if (bytes == ">") {
      escaped += "&gt;";
    } else if (bytes == "\"") {
      escaped += "&quot;";
    } else if (bytes == "'") {
      escaped += "&#39;";
    } else {
      escaped += bytes;
    }
  }
  return escaped;
}

/// A place in a picture, in its units, from the left and from the top.
struct pixel {
  double x = 0.0;
  double y = 0.0;
};

/// How a text stands at its place.
enum class anchor { start, middle, end };

/// A picture that is drawn element by element. Looks come from the classes of chart_style(), which know light and dark.
/// `style` is a list of class names, `title` a tooltip; both are escaped here, like every text.
class svg {
 public:
  svg(double width, double height) : width_(width), height_(height) {}

  void line(pixel from, pixel to, std::string_view style) {
    element("line", style,
            attribute("x1", from.x) + attribute("y1", from.y) + attribute("x2", to.x) + attribute("y2", to.y));
  }

  void polyline(std::span<const pixel> points, std::string_view style) {
    element("polyline", style, " points=\"" + list(points) + "\"");
  }

  void polygon(std::span<const pixel> points, std::string_view style) {
    element("polygon", style, " points=\"" + list(points) + "\"");
  }

  void rectangle(pixel corner, pixel size, std::string_view style, std::string_view title = {}) {
    element(
        "rect", style,
        attribute("x", corner.x) + attribute("y", corner.y) + attribute("width", size.x) + attribute("height", size.y),
        title);
  }

  /// A rectangle whose fill lets the paper through, opacity from 0 to 1.
  void shade(pixel corner, pixel size, double opacity, std::string_view style, std::string_view title = {}) {
    element("rect", style,
            attribute("x", corner.x) + attribute("y", corner.y) + attribute("width", size.x) +
                attribute("height", size.y) + " fill-opacity=\"" + fixed_number(opacity, 2) + "\"",
            title);
  }

  void circle(pixel centre, double radius, std::string_view style, std::string_view title = {}) {
    element("circle", style, attribute("cx", centre.x) + attribute("cy", centre.y) + attribute("r", radius), title);
  }

  void square(pixel centre, double radius, std::string_view style, std::string_view title = {}) {
    rectangle({centre.x - radius, centre.y - radius}, {2.0 * radius, 2.0 * radius}, style, title);
  }

  void diamond(pixel centre, double radius, std::string_view style, std::string_view title = {}) {
    const pixel corners[] = {{centre.x, centre.y - radius},
                             {centre.x + radius, centre.y},
                             {centre.x, centre.y + radius},
                             {centre.x - radius, centre.y}};
    element("polygon", style, " points=\"" + list(corners) + "\"", title);
  }

  void text(pixel place, std::string_view content, std::string_view style, anchor side = anchor::start) {
    const std::string_view name = side == anchor::start ? "start" : side == anchor::end ? "end" : "middle";
    body_ += "<text class=\"" + escape_markup(style) + "\"" + attribute("x", place.x) + attribute("y", place.y) +
             " text-anchor=\"" + std::string(name) + "\">" + escape_markup(content) + "</text>\n";
  }

  /// Text that reads upwards.
  void upward_text(pixel place, std::string_view content, std::string_view style) {
    body_ += "<text class=\"" + escape_markup(style) + "\" text-anchor=\"middle\" transform=\"translate(" +
             fixed_number(place.x, 1) + " " + fixed_number(place.y, 1) + ") rotate(-90)\">" + escape_markup(content) +
             "</text>\n";
  }

  /// What follows belongs to a group until end_group().
  void begin_group(std::string_view style) { body_ += "<g class=\"" + escape_markup(style) + "\">\n"; }
  void end_group() { body_ += "</g>\n"; }

  /// What follows is cut off at the edges of this part of the picture, until end_part().
  void begin_part(pixel corner, pixel size) {
    const std::string shown = fixed_number(corner.x, 1) + " " + fixed_number(corner.y, 1) + " " +
                              fixed_number(size.x, 1) + " " + fixed_number(size.y, 1);
    body_ += "<svg" + attribute("x", corner.x) + attribute("y", corner.y) + attribute("width", size.x) +
             attribute("height", size.y) + " viewBox=\"" + shown + "\">\n";
  }
  void end_part() { body_ += "</svg>\n"; }

  /// A number for scripts, as "data-NAME" of the picture itself.
  void add_data(std::string_view name, double value) {
    data_ += " data-" + std::string(name) + "=\"" + fixed_number(value, 4) + "\"";
  }

  /// For a page that holds the styles. `description` is what a reader who sees no pictures is told.
  [[nodiscard]] std::string fragment(std::string_view description) const {
    return start_tag("", description) + body_ + "</svg>\n";
  }

  /// A file of its own.
  [[nodiscard]] std::string document(std::string_view description, std::string_view styles) const {
    return start_tag(" xmlns=\"http://www.w3.org/2000/svg\"", description) + "<style>" + std::string(styles) +
           "</style>\n<rect class=\"paper\" width=\"100%\" height=\"100%\"/>\n" + body_ + "</svg>\n";
  }

 private:
  [[nodiscard]] static std::string attribute(std::string_view name, double value) {
    return " " + std::string(name) + "=\"" + fixed_number(value, 1) + "\"";
  }

  [[nodiscard]] static std::string list(std::span<const pixel> points) {
    std::string places;
    for (const pixel& point : points) {
      places += (places.empty() ? "" : " ") + fixed_number(point.x, 1) + "," + fixed_number(point.y, 1);
    }
    return places;
  }

  void element(std::string_view name, std::string_view style, const std::string& attributes,
               std::string_view title = {}) {
    body_ += "<" + std::string(name) + " class=\"" + escape_markup(style) + "\"" + attributes;
    body_ += title.empty() ? "/>\n" : "><title>" + escape_markup(title) + "</title></" + std::string(name) + ">\n";
  }

  [[nodiscard]] std::string start_tag(std::string_view name_space, std::string_view description) const {
    return "<svg" + std::string(name_space) + " class=\"chart\" viewBox=\"0 0 " + fixed_number(width_, 0) + " " +
           fixed_number(height_, 0) + "\" width=\"" + fixed_number(width_, 0) + "\" height=\"" +
           fixed_number(height_, 0) + "\" role=\"img\" aria-label=\"" + escape_markup(description) + "\"" + data_ +
           ">\n";
  }

  double width_;
  double height_;
  std::string data_;
  std::string body_;
};

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail
