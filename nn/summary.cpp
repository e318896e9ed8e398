#include "rewind/nn/summary.h"

#include <unordered_map>

namespace rw::nn {
namespace {

// 1234567 as "1 234 567".
std::string grouped(Index number) {
  std::string text = std::to_string(number);
  for (std::size_t end = text.size(); end > 3; end -= 3) text.insert(end - 3, 1, ' ');
  return text;
}

std::string in_bytes(Index bytes) {
  constexpr std::string_view kUnits[] = {"B", "KiB", "MiB", "GiB", "TiB"};
  std::size_t unit = 0;
  auto amount = static_cast<double>(bytes);
  for (; amount >= 1024 && unit + 1 < std::size(kUnits); unit++) amount /= 1024;
  return fmt::format("{:.3g} {}", amount, kUnits[unit]);
}

struct Line {
  std::string name, shape, dtype, count, remark;
};

struct Totals {
  Index all = 0, trained = 0, bytes = 0;
};

void add(Totals& totals, const SummaryRow& row) {
  const Index count = row.spec.shape.count();
  totals.all += count;
  if (!row.frozen) totals.trained += count;
  totals.bytes += count * bytes_of(row.spec.dtype);
}

std::size_t width_of(const std::vector<Line>& lines, std::string Line::*column) {
  std::size_t width = 0;
  for (const Line& line : lines) width = std::max(width, (line.*column).size());
  return width;
}

std::string laid_out(const std::vector<Line>& lines) {
  const std::size_t name = width_of(lines, &Line::name), shape = width_of(lines, &Line::shape);
  const std::size_t dtype = width_of(lines, &Line::dtype), count = width_of(lines, &Line::count);
  std::string text;
  for (const Line& line : lines) {
    text += fmt::format("{:<{}}  {:<{}}  {:<{}}  {:>{}}", line.name, name, line.shape, shape,
                        line.dtype, dtype, line.count, count);
    text += line.remark.empty() ? "" : "   " + line.remark;
    text.resize(text.find_last_not_of(' ') + 1);
    text += '\n';
  }
  return text;
}

}  // namespace

std::string summary_of(const std::vector<SummaryRow>& rows) {
  std::vector<Line> lines{{"name", "shape", "dtype", "count", ""}};
  std::unordered_map<std::uint64_t, std::string> first_name;
  Totals totals;
  for (const SummaryRow& row : rows) {
    Line line{row.name, to_string(row.spec.shape), std::string(name_of(row.spec.dtype)),
              grouped(row.spec.shape.count()), row.frozen ? "frozen" : ""};
    if (row.id == 0) {
      line.remark = "buffer";
    } else if (const auto [first, is_new] = first_name.emplace(row.id, row.name); is_new) {
      add(totals, row);
    } else {
      line.count = "";
      line.remark = "tied to " + first->second;
    }
    lines.push_back(std::move(line));
  }
  const std::string trained =
      totals.trained == totals.all ? "" : fmt::format(" ({} trained)", grouped(totals.trained));
  return laid_out(lines) +
         fmt::format("{} parameters{}, {}\n", grouped(totals.all), trained, in_bytes(totals.bytes));
}

}  // namespace rw::nn
