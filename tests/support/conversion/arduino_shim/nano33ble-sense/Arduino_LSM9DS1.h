#ifndef SHIM_LSM9DS1_H
#define SHIM_LSM9DS1_H

class LSM9DS1Class {
public:
  int begin(void);
  void setContinuousMode(void);
  int accelerationAvailable(void);
  int readAcceleration(float &x, float &y, float &z);
  int readGyroscope(float &x, float &y, float &z);
};

extern LSM9DS1Class IMU;

#endif
