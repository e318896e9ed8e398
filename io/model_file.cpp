// Names of the file against names of the model. All findings are collected before anything is said,
// because who loads weights of another program wants the whole list, not its first line.
#include "rewind/io/model_file.h"

#include <algorithm>

#include "rewind/io/safetensors_header.h"

namespace rw {

namespace {

constexpr std::size_t kListed = 10;  // names of a kind in one message

struct Assignment {
  const NamedSlot* slot;
  const Tensor* tensor;
};

bool same_numbers(const Tensor& a, const Tensor& b) {  // both contiguous, of one spec
  return dispatch_any(a.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const auto bytes_a = std::as_bytes(a.span<T>()), bytes_b = std::as_bytes(b.span<T>());
    return std::ranges::equal(bytes_a, bytes_b);
  });
}

std::map<std::string, const Tensor*> renamed(const std::map<std::string, Tensor>& tensors,
                                             const LoadOptions& options,
                                             const std::string& source) {
  std::map<std::string, const Tensor*> result;
  for (const auto& [name, tensor] : tensors) {
    if (name.starts_with("checkpoint/")) continue;
    const std::string target = options.rename ? options.rename(name) : name;
    if (target.empty()) continue;
    require(result.emplace(target, &tensor).second,
            "load_model '{}': .rename gives {} to {} and to another tensor", source,
            in_quotes(target), in_quotes(name));
  }
  return result;
}

std::string list(const char* what, const std::vector<std::string>& names) {
  if (names.empty()) return {};
  std::string text = fmt::format("; {} {}: ", names.size(), what);
  for (std::size_t i = 0; i < std::min(names.size(), kListed); ++i) {
    text += (i == 0 ? "" : ", ") + in_quotes(names[i]);
  }
  return text + (names.size() > kListed ? ", ..." : "");
}

}  // namespace

LoadReport assign_tensors(const std::vector<NamedSlot>& slots,
                          const std::map<std::string, Tensor>& tensors, const LoadOptions& options,
                          const std::string& source) {
  std::map<std::string, const Tensor*> left = renamed(tensors, options, source);
  std::map<const Tensor*, Assignment> assigned;  // by what is assigned to, which tied names share
  std::string misfits;
  std::vector<const NamedSlot*> absent;
  for (const NamedSlot& slot : slots) {
    const auto found = left.find(slot.name);
    if (found == left.end()) {
      absent.push_back(&slot);
      continue;
    }
    const Tensor& tensor = *found->second;
    left.erase(found);
    if (tensor.spec() != slot.value->spec()) {
      misfits += fmt::format("; {} is {} in the file, {} in the model", in_quotes(slot.name),
                             tensor.spec(), slot.value->spec());
    }
    const auto [first, is_new] = assigned.try_emplace(slot.value, Assignment{&slot, &tensor});
    const Assignment& other = first->second;
    if (!is_new &&
        (other.tensor->spec() != tensor.spec() || !same_numbers(*other.tensor, tensor))) {
      misfits += fmt::format("; {} and {} are one in the model, two different tensors in the file",
                             in_quotes(other.slot->name), in_quotes(slot.name));
    }
  }
  LoadReport report;
  for (const NamedSlot* slot : absent) {
    const bool is_there = !assigned.try_emplace(slot->value, Assignment{slot, nullptr}).second;
    if (!is_there) report.missing.push_back(slot->name);
  }
  for (const auto& entry : left) report.unexpected.push_back(entry.first);

  std::string wrong = misfits;
  if (options.strict) {
    wrong +=
        list("missing in the file", report.missing) + list("in the file only", report.unexpected);
  }
  require<FileError>(wrong.empty(), "load_model '{}': the weights do not fit the model{}", source,
                     wrong);
  for (const auto& [value, assignment] : assigned) {
    if (assignment.tensor != nullptr) *assignment.slot->value = *assignment.tensor;
  }
  return report;
}

}  // namespace rw
