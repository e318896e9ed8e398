#include "rewind/nn/parameters.h"

namespace rw::nn {

void name_by_path(Parameter& parameter, const std::string& path) {
  const std::string& name = parameter.name();
  const bool seen_from_outside = name.size() > path.size() && name.ends_with(path) &&
                                 name[name.size() - path.size() - 1] == '.';
  if (!seen_from_outside && name != path) parameter.set_name(path);
}

namespace parameters_internal {

void throw_same_path(const std::string& path) {
  throw ValueError(fmt::format(
      "members: two members have the path '{}'; give each its own name in `members`", path));
}

void name_by_paths(std::span<NamedParameter> all) {
  std::unordered_set<std::string> names;
  for (NamedParameter& p : all) {
    name_by_path(p.parameter, p.name);
    names.insert(p.parameter.name());
  }
  if (names.size() == all.size()) return;
  for (NamedParameter& p : all) p.parameter.set_name(p.name);
}

void require_float(Dtype dtype) {
  require<DtypeError>(
      is_float(dtype),
      "to: a model holds float32 or float64, not {}; buffers of other dtypes stay as "
      "they are",
      dtype);
}

void require_same_places(std::size_t copied, std::size_t original) {
  require(copied == original,
          "retie: the copy has {} parameters and the original {}; they are not of one model",
          copied, original);
}

}  // namespace parameters_internal
}  // namespace rw::nn
