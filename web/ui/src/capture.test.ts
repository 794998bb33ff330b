import { expect, test } from "vitest";

import { isProgram } from "./capture";

test.each([
  "OBS Virtual Camera",
  "OBS-Camera",
  "ManyCam Virtual Webcam",
  "XSplit VCam",
  "Dummy video device (0x0000)",
  "Virtual_Camera 2",
  "NVIDIA Broadcast",
])("%s is a program", (label) => expect(isProgram(label)).toBe(true));

test.each([
  "",
  "HD Pro Webcam C920 (046d:082d)",
  "FaceTime HD Camera",
  "Integrated Camera (5986:2113)",
  "Logitech BRIO",
  "fake_device_0",
  "Jacobs Camera",
])("%s says nothing", (label) => expect(isProgram(label)).toBe(false));
