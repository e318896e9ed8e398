// Everything that Rewind offers, in one header.
#pragma once

#include "rewind/tensor/error.h"
#include "rewind/tensor/index.h"
#include "rewind/version.h"
